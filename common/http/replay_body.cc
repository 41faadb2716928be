#include "http/replay_body.h"

namespace rpx::http {

Result<BodyPiece> ReplayBody::try_read(std::size_t most) {
  if (at_ < kept_.size()) {
    const std::string_view data = std::string_view(kept_).substr(at_, most);
    at_ += data.size();
    return BodyPiece{.data = data, .end = ended()};
  }
  if (!lost_ && source_.ended()) return BodyPiece{.end = true};
  Result<BodyPiece> piece = source_.try_read(most);
  if (!piece || piece->blocked || lost_) return piece;
  if (kept_.size() + piece->data.size() <= most_) {
    kept_ += piece->data;
  } else {
    lost_ = true;
    kept_ = {};
  }
  at_ = kept_.size();
  return piece;
}

rt::Task<Status> ReplayBody::wait(Duration stall) {
  if (at_ < kept_.size()) co_return Status{};
  co_return co_await source_.wait(stall);
}

}  // namespace rpx::http
