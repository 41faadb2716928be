#include "codec/encoding_sink.h"

#include "base/result.h"

namespace rpx::codec {
namespace {

// One write of a body is at most 256 KiB; what an unusual one has made of the buffer is given back.
constexpr std::size_t kMostKept = 512 * 1024;

}  // namespace

std::string& coded_scratch() noexcept {
  static thread_local std::string bytes;
  bytes.clear();
  if (bytes.capacity() > kMostKept) bytes.shrink_to_fit();
  return bytes;
}

Result<bool> EncodingSink::try_write(std::string_view data, bool end, const http::Headers* trailers) {
  std::string& out = coded_scratch();
  if (!encoder_->encode(data, end ? Flush::kEnd : Flush::kNone, out))
    return self_error(ErrorKind::kInternal, "the encoder failed");
  held_ = !end;
  plain_ += data.size();
  coded_ += out.size();
  // An empty piece would say nothing, and in chunks it would say that the body is over.
  if (out.empty() && !end) return true;
  return sink_->try_write(out, end, trailers);
}

Result<bool> EncodingSink::try_flush() {
  if (!held_) return sink_->try_flush();
  std::string& out = coded_scratch();
  if (!encoder_->encode({}, Flush::kSync, out)) return self_error(ErrorKind::kInternal, "the encoder failed");
  held_ = false;
  coded_ += out.size();
  if (out.empty()) return sink_->try_flush();
  return sink_->try_write(out, false, nullptr);
}

}  // namespace rpx::codec
