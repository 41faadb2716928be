// A body source over text that is at hand, such as a stored reply. One thread.
#pragma once

#include "http/body.h"

namespace rpx::http {

class TextBody final : public BodySource {
 public:
  /// `text` is borrowed for as long as this lives.
  TextBody(rt::Loop& loop, std::string_view text) noexcept : loop_(loop), text_(text) {}

  Result<BodyPiece> try_read(std::size_t most) override {
    const std::string_view piece = text_.substr(at_, most);
    at_ += piece.size();
    return BodyPiece{.data = piece, .end = ended()};
  }
  rt::Task<Status> wait(Duration) override { co_return Status{}; }
  const Headers* trailers() const noexcept override { return nullptr; }
  bool ended() const noexcept override { return at_ == text_.size(); }
  rt::Loop& loop() noexcept override { return loop_; }
  std::uint64_t received() const noexcept override { return at_; }

 private:
  rt::Loop& loop_;
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace rpx::http
