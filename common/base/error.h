// Errors as values with a side. Every fallible function of librpx returns Result<T>; the tables
// beside ErrorKind derive from the kind what the client is told, how loud the log is and whether
// another try may help. Any thread; no I/O.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace rpx {

/// Who is to blame: the client that asked, the upstream we asked, or this process.
enum class Side : std::uint8_t { kClient, kUpstream, kSelf };

/// What went wrong. The name in logs and metrics is in the facts table of error.cc.
enum class ErrorKind : std::uint8_t {
  // The request could not be accepted.
  kBadRequest,
  kUriTooLong,
  kHeaderTooLarge,
  kBodyTooLarge,
  kUnsupportedCoding,
  kMethodNotAllowed,
  kVersionNotSupported,
  kMisdirected,
  kExpectationFailed,
  // Peers that are late, slow or gone.
  kHeaderTimeout,
  kBodyTimeout,
  kBodyTooSlow,
  kWriteTimeout,
  kIdleTimeout,
  kClosed,
  kReset,
  // The upstream side.
  kUnresolved,
  kConnectRefused,
  kConnectTimeout,
  kConnectFailed,
  kNoServer,
  kPoolFull,
  kResponseTimeout,
  kBadResponse,
  kResponseTruncated,
  kResponseTooLarge,
  kUpgradeFailed,
  kTlsCertificate,
  kTlsProtocol,
  // This process.
  kNoRoute,
  kOverload,
  kDraining,
  kCancelled,
  kUsage,
  kConfig,
  kNotFound,
  kIo,
  kInternal,
};
inline constexpr std::size_t kErrorKinds = static_cast<std::size_t>(ErrorKind::kInternal) + 1;

/// A failure. `detail` is for people, holds no newline, and is never parsed.
struct Error {
  ErrorKind kind = ErrorKind::kInternal;
  Side side = Side::kSelf;
  std::string detail;
};

/// What follows from a kind of error, whoever caused it.
struct ErrorFacts {
  ErrorKind kind;
  std::string_view name;          ///< snake_case word in logs, metrics and problem documents
  int status;                     ///< status code answered to the client where one still can be (100–599)
  bool may_retry;                 ///< another server might do better (the retry rule decides the rest)
  std::string_view proxy_status;  ///< error type of RFC 9209 section 2.3; empty where none fits
};

/// The facts of `kind`: total, never fails.
const ErrorFacts& facts_of(ErrorKind kind) noexcept;

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> client_error(ErrorKind kind, std::string detail) {
  return std::unexpected(Error{kind, Side::kClient, std::move(detail)});
}
inline std::unexpected<Error> upstream_error(ErrorKind kind, std::string detail) {
  return std::unexpected(Error{kind, Side::kUpstream, std::move(detail)});
}
inline std::unexpected<Error> self_error(ErrorKind kind, std::string detail) {
  return std::unexpected(Error{kind, Side::kSelf, std::move(detail)});
}

/// "call: strerror" for the errno value `code`.
std::string errno_text(std::string_view call, int code);

}  // namespace rpx
