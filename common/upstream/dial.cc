#include "upstream/dial.h"

#include "base/result.h"
#include "net/dial.h"
#include "tls/stream.h"

namespace rpx::upstream {

rt::Task<Result<std::unique_ptr<net::Stream>>> dial(rt::Loop& loop, Address to, Security security, Instant deadline) {
  RPX_CO_TRY(std::unique_ptr<net::SocketStream> socket, co_await net::dial(loop, std::move(to), deadline));
  if (!security.preface.empty())
    RPX_CO_TRY_VOID(co_await net::write_all(*socket, security.preface, Side::kUpstream, deadline));
  if (!security.context) co_return std::unique_ptr<net::Stream>(std::move(socket));
  Result<std::unique_ptr<net::Stream>> secured =
      co_await tls::ClientContext::connect(std::move(security.context), std::move(socket), std::move(security.name),
                                           std::move(security.slot), deadline, std::move(security.alpn));
  co_return secured;
}

std::string_view alpn_for(std::string_view protocol, bool tls) noexcept {
  if (!tls || protocol == "http/1.1") return {};
  return protocol == "auto" ? std::string_view("\x02h2\x08http/1.1") : std::string_view("\x02h2");
}

Result<bool> speaks_h2(const net::Stream& stream, std::string_view protocol, bool tls) {
  if (!tls) return protocol == "h2c";
  const bool agreed = static_cast<const tls::TlsStream&>(stream).alpn() == "h2";
  if (!agreed && protocol == "h2")
    return upstream_error(ErrorKind::kTlsProtocol, "the server does not agree to h2 (ALPN)");
  return agreed;
}

}  // namespace rpx::upstream
