#include "cli/exit_code.h"

namespace rpx::cli {

ExitCode exit_code_of(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::kUsage:
    case ErrorKind::kConfig: return ExitCode::kUsage;
    case ErrorKind::kHeaderTimeout:
    case ErrorKind::kBodyTimeout:
    case ErrorKind::kBodyTooSlow:
    case ErrorKind::kWriteTimeout:
    case ErrorKind::kIdleTimeout:
    case ErrorKind::kConnectTimeout:
    case ErrorKind::kResponseTimeout: return ExitCode::kTimeout;
    case ErrorKind::kUnresolved:
    case ErrorKind::kConnectRefused:
    case ErrorKind::kConnectFailed:
    case ErrorKind::kClosed:
    case ErrorKind::kReset:
    case ErrorKind::kNoServer:
    case ErrorKind::kBadResponse:
    case ErrorKind::kResponseTruncated: return ExitCode::kUnreachable;
    default: return ExitCode::kRefused;
  }
}

}  // namespace rpx::cli
