#include "tls/handshake.h"

#include <fmt/format.h>

namespace rpx::tls {
namespace {

Error failure_of(const TlsStream& stream, Side side) {
  const long verified = SSL_get_verify_result(stream.ssl());
  if (verified != X509_V_OK && !stream.failure().empty() && SSL_get_verify_mode(stream.ssl()) != SSL_VERIFY_NONE)
    return {ErrorKind::kTlsCertificate, side, fmt::format("TLS: {}", X509_verify_cert_error_string(verified))};
  if (stream.failure().empty()) return {ErrorKind::kClosed, side, "closed in the middle of the TLS handshake"};
  return {ErrorKind::kTlsProtocol, side, fmt::format("TLS: {}", stream.failure())};
}

}  // namespace

rt::Task<Status> handshake(TlsStream& stream, Instant deadline) {
  const Side side = stream.is_server() ? Side::kClient : Side::kUpstream;
  for (;;) {
    rt::Wake wake = rt::Wake::kReady;
    switch (stream.try_handshake()) {
      case TlsStream::Step::kDone: co_return Status{};
      case TlsStream::Step::kFailed: co_return std::unexpected(failure_of(stream, side));
      case TlsStream::Step::kRead: wake = co_await stream.io().readable(deadline); break;
      case TlsStream::Step::kWrite: wake = co_await stream.io().writable(deadline); break;
    }
    if (wake == rt::Wake::kInterrupted)
      co_return std::unexpected(Error{ErrorKind::kCancelled, side, "given up in the middle of the TLS handshake"});
    if (wake == rt::Wake::kTimeout)
      co_return std::unexpected(Error{side == Side::kClient ? ErrorKind::kHeaderTimeout : ErrorKind::kConnectTimeout,
                                      side, "the TLS handshake did not end in time"});
  }
}

}  // namespace rpx::tls
