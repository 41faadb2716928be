#include "http/held_body.h"

#include <algorithm>

#include "base/result.h"

namespace rpx::http {

rt::Task<Result<bool>> HeldBody::gather(std::size_t most, std::optional<Duration> stall) {
  while (!source_.ended()) {
    if (held_.size() > most) co_return false;
    RPX_CO_TRY(const BodyPiece piece, source_.try_read(most + 1 - std::min(most, held_.size())));
    held_.append(piece.data);
    if (piece.blocked && !stall) co_return false;
    if (piece.blocked) RPX_CO_TRY_VOID(co_await source_.wait(*stall));
  }
  co_return held_.size() <= most;
}

Result<BodyPiece> HeldBody::try_read(std::size_t most) {
  if (at_ == held_.size()) return source_.try_read(most);
  const std::string_view piece = std::string_view(held_).substr(at_, most);
  at_ += piece.size();
  return BodyPiece{.data = piece, .end = ended()};
}

rt::Task<Status> HeldBody::wait(Duration stall) {
  if (at_ < held_.size()) co_return Status{};
  co_return co_await source_.wait(stall);
}

}  // namespace rpx::http
