// CutSink: a reply that ends too early, for [fault.NAME]. One thread.
#pragma once

#include "base/result.h"
#include "http/body.h"

namespace rpx::proxy {

class CutSink final : public http::BodySink {
 public:
  /// Lets `after` bytes of the body through to `inner`, which outlives this.
  CutSink(http::BodySink& inner, Size after) noexcept : inner_(inner), left_(after) {}

  Result<bool> try_write(std::string_view data, bool end, const http::Headers* trailers) override {
    if (data.size() <= left_) {
      left_ -= data.size();
      return inner_.try_write(data, end, trailers);
    }
    RPX_TRY([[maybe_unused]] const bool taken, inner_.try_write(data.substr(0, left_), false, nullptr));
    RPX_TRY([[maybe_unused]] const bool flushed, inner_.try_flush());
    return self_error(ErrorKind::kCancelled, "cut on purpose: a fault");
  }
  Result<bool> try_flush() override { return inner_.try_flush(); }
  rt::Task<Status> drain(Duration stall) override { return inner_.drain(stall); }
  std::uint64_t sent() const noexcept override { return inner_.sent(); }

 private:
  http::BodySink& inner_;
  Size left_;
};

}  // namespace rpx::proxy
