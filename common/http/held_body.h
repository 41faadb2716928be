// A body source that can be read ahead of its reader: what was gathered is handed out first. One thread.
#pragma once

#include <optional>
#include <string>

#include "http/body.h"

namespace rpx::http {

class HeldBody final : public BodySource {
 public:
  /// `source` is borrowed for as long as this lives.
  explicit HeldBody(BodySource& source) noexcept : source_(source) {}

  /// Reads until the end or until more than `most` bytes are held, waiting at most `stall` for each piece; without one,
  /// until nothing more is there. True when the body is held whole: text() is all of it. Errors: those of the source.
  rt::Task<Result<bool>> gather(std::size_t most, std::optional<Duration> stall);
  /// What was gathered and not read yet; valid until the next try_read().
  std::string_view text() const noexcept { return std::string_view(held_).substr(at_); }

  Result<BodyPiece> try_read(std::size_t most) override;
  rt::Task<Status> wait(Duration stall) override;
  const Headers* trailers() const noexcept override { return source_.trailers(); }
  bool ended() const noexcept override { return at_ == held_.size() && source_.ended(); }
  rt::Loop& loop() noexcept override { return source_.loop(); }
  std::uint64_t received() const noexcept override { return source_.received() - (held_.size() - at_); }

 private:
  BodySource& source_;
  std::string held_;
  std::size_t at_ = 0;
};

}  // namespace rpx::http
