#include "upstream/dial.h"

#include "base/result.h"
#include "net/dial.h"

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

}  // namespace rpx::upstream
