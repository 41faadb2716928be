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

Status EncodingSink::encode(std::string_view data, Flush flush, std::string& out) {
  const Instant begun = std::chrono::steady_clock::now();
  if (!encoder_->encode(data, flush, out)) return self_error(ErrorKind::kInternal, "the encoder failed");
  took_ += std::chrono::steady_clock::now() - begun;
  plain_ += data.size();
  coded_ += out.size();
  return {};
}

Result<bool> EncodingSink::try_write(std::string_view data, bool end, const http::Headers* trailers) {
  std::string& out = coded_scratch();
  RPX_TRY_VOID(encode(data, end ? Flush::kEnd : Flush::kNone, out));
  held_ = !end;
  // An empty piece would say nothing, and in chunks it would say that the body is over.
  if (out.empty() && !end) return true;
  return sink_->try_write(out, end, trailers);
}

Result<bool> EncodingSink::try_flush() {
  if (!held_) return sink_->try_flush();
  std::string& out = coded_scratch();
  RPX_TRY_VOID(encode({}, Flush::kSync, out));
  held_ = false;
  if (out.empty()) return sink_->try_flush();
  return sink_->try_write(out, false, nullptr);
}

}  // namespace rpx::codec
