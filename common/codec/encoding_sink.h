// A body sink that codes what it is given and hands it to another: what a reply is relayed into when it is compressed.
// A flush brings out all that went in, so that a stream that pauses is never held back. One thread.
#pragma once

#include "codec/encoder.h"
#include "http/body.h"

namespace rpx::codec {

class EncodingSink final : public http::BodySink {
 public:
  EncodingSink(http::Coding coding, std::uint32_t level) : coding_(coding), encoder_(coding, level) {}

  /// Where coded bytes go; borrowed. To be called before the first write.
  void to(http::BodySink& sink) noexcept { sink_ = &sink; }

  /// Errors: those of the sink, and kInternal.
  Result<bool> try_write(std::string_view data, bool end, const http::Headers* trailers = nullptr) override;
  Result<bool> try_flush() override;
  rt::Task<Status> drain(Duration stall) override { return sink_->drain(stall); }
  std::uint64_t sent() const noexcept override { return sink_->sent(); }

  http::Coding coding() const noexcept { return coding_; }
  /// Payload bytes so far, before and after.
  std::uint64_t plain_bytes() const noexcept { return plain_; }
  std::uint64_t coded_bytes() const noexcept { return coded_; }
  /// Time spent coding so far.
  Duration took() const noexcept { return took_; }

 private:
  Status encode(std::string_view data, Flush flush, std::string& out);

  http::Coding coding_;
  bool held_ = false;  // something may be in the encoder that has not come out
  EncoderLease encoder_;
  http::BodySink* sink_ = nullptr;
  std::uint64_t plain_ = 0;
  std::uint64_t coded_ = 0;
  Duration took_{};
};

/// This thread's buffer for coded bytes on their way: to be used up before the next co_await.
std::string& coded_scratch() noexcept;

}  // namespace rpx::codec
