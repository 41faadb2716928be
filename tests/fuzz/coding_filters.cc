// The filters that bodies pass through: whatever goes into an EncodingSink, in whatever pieces and with whatever
// flushes between, comes out of a DecodingSource again, byte for byte, and what was written before a flush can be read
// after it.
#include <string>

#include "base/result.h"
#include "codec/decoding_source.h"
#include "codec/encoding_sink.h"
#include "fuzz.h"
#include "rt/loop.h"

using namespace rpx;

namespace {

class Collector final : public http::BodySink {
 public:
  Result<bool> try_write(std::string_view data, bool end, const http::Headers*) override {
    // An empty piece would end a body in chunks.
    RPX_CHECK(end || !data.empty());
    bytes += data;
    return true;
  }
  Result<bool> try_flush() override { return true; }
  rt::Task<Status> drain(Duration) override { co_return Status{}; }
  std::uint64_t sent() const noexcept override { return bytes.size(); }
  std::string bytes;
};

class CodedPieces final : public http::BodySource {
 public:
  CodedPieces(rt::Loop& loop, std::string_view bytes, std::size_t step) : loop_(loop), bytes_(bytes), step_(step) {}
  Result<http::BodyPiece> try_read(std::size_t most) override {
    const std::string_view piece = bytes_.substr(at_, std::min(step_, most));
    at_ += piece.size();
    return http::BodyPiece{.data = piece, .end = ended()};
  }
  rt::Task<Status> wait(Duration) override { co_return Status{}; }
  const http::Headers* trailers() const noexcept override { return nullptr; }
  bool ended() const noexcept override { return at_ == bytes_.size(); }
  rt::Loop& loop() noexcept override { return loop_; }
  std::uint64_t received() const noexcept override { return at_; }

 private:
  rt::Loop& loop_;
  std::string_view bytes_;
  std::size_t step_;
  std::size_t at_ = 0;
};

// What can be decoded of `coded`, which need not be whole.
std::string decoded(rt::Loop& loop, http::Coding coding, std::string_view coded, std::size_t step, bool whole) {
  CodedPieces pieces(loop, coded, step);
  codec::DecodingSource source(pieces, coding, {.ratio = 0});
  std::string out;
  for (;;) {
    const Result<http::BodyPiece> piece = source.try_read(4096);
    RPX_CHECK(piece || !whole);
    if (!piece) return out;
    out += piece->data;
    if (piece->end) return out;
  }
}

}  // namespace

// Three bytes choose coding, level and pieces; of each piece the first byte says how long it is and whether a flush
// follows.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  static rt::Loop loop;
  const http::Coding coding = http::kCodings[data[0] % 3];
  const std::uint32_t level = codec::levels_of(coding).least + data[1] % 7;
  const std::size_t step = 1 + data[2] % 64;
  std::string_view left = fuzz::text_of(data + 3, size - 3);
  Collector collector;
  codec::EncodingSink sink(coding, level);
  sink.to(collector);
  std::string all;
  while (!left.empty()) {
    const auto how = static_cast<unsigned char>(left.front());
    const std::string_view piece = left.substr(1, how / 2);
    left.remove_prefix(1 + piece.size());
    RPX_CHECK(sink.try_write(piece, false));
    all += piece;
    if (how % 2 != 0) RPX_CHECK(sink.try_flush());
  }
  RPX_CHECK(sink.try_write({}, true));
  RPX_CHECK(decoded(loop, coding, collector.bytes, step, true) == all);
  RPX_CHECK(sink.plain_bytes() == all.size() && sink.coded_bytes() == collector.bytes.size());
  return 0;
}
