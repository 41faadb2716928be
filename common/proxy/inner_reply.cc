#include "proxy/inner_reply.h"

#include "base/result.h"

namespace rpx::proxy {

rt::Task<Status> read_reply(Busy& inner, Duration patience, std::size_t most, std::string& body) {
  http::BodyPiece piece = inner.first;
  http::BodySource& source = inner.call.reader();
  for (;;) {
    if (!piece.blocked) body += piece.data;
    if (body.size() > most)
      co_return upstream_error(ErrorKind::kResponseTooLarge, "the answer to a request of our own is too large");
    if (piece.end) co_return Status{};
    if (piece.blocked) RPX_CO_TRY_VOID(co_await source.wait(patience));
    RPX_CO_TRY(piece, source.try_read(most));
  }
}

void let_go_inner(Busy& inner, bool whole) noexcept {
  if (whole && inner.call.reusable(true))
    inner.lease.give_back(Duration::zero());
  else
    inner.lease.drop();
}

}  // namespace rpx::proxy
