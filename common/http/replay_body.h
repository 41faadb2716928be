// A request body that keeps what it hands out, up to a bound, so that it can be begun again for another server. Made
// by proxy/forward for bodies that come in more than one piece. One thread.
#pragma once

#include <string>

#include "http/body.h"

namespace rpx::http {

class ReplayBody final : public BodySource {
 public:
  /// `source` is borrowed for as long as this lives; `begun` is what was read of it already, and is to be sent by the
  /// caller. More than `most` bytes are not kept.
  ReplayBody(BodySource& source, std::size_t most, std::string_view begun)
      : source_(source), most_(most), kept_(begun), at_(begun.size()) {}

  /// All that was handed out is at hand still.
  bool can_begin_again() const noexcept { return !lost_; }
  /// From the first byte again; only where it can.
  void begin_again() noexcept { at_ = 0; }

  Result<BodyPiece> try_read(std::size_t most) override;
  rt::Task<Status> wait(Duration stall) override;
  const Headers* trailers() const noexcept override { return source_.trailers(); }
  bool ended() const noexcept override { return at_ == kept_.size() && source_.ended(); }
  rt::Loop& loop() noexcept override { return source_.loop(); }
  std::uint64_t received() const noexcept override { return source_.received(); }

 private:
  BodySource& source_;
  std::size_t most_;
  std::string kept_;
  std::size_t at_;
  bool lost_ = false;
};

}  // namespace rpx::http
