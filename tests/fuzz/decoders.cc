// Decoders of content codings: the first byte of the input chooses the coding and how the rest is cut up, which must
// make no difference to what comes out of a body that is good, and nothing may come out beyond the limit.
#include <algorithm>
#include <string>

#include "codec/decoder.h"
#include "fuzz.h"

using namespace rpx;

namespace {

constexpr std::size_t kMost = 256 * 1024;

struct Outcome {
  bool good = false;
  std::string text;

  bool operator==(const Outcome&) const = default;
};

Outcome decode(http::Coding coding, std::string_view bytes, std::size_t piece, std::size_t room) {
  const auto decoder = codec::make_decoder(coding);
  Outcome out;
  codec::Decoded last = codec::Decoded::kHungry;
  while (out.text.size() <= kMost) {
    if (last != codec::Decoded::kFull && bytes.empty()) break;
    std::string_view in = last == codec::Decoded::kFull ? bytes.substr(0, 0) : bytes.substr(0, piece);
    const std::size_t given = in.size();
    const std::size_t before = out.text.size();
    last = decoder->decode(in, room, out.text);
    RPX_CHECK(out.text.size() - before <= room);
    RPX_CHECK(last == codec::Decoded::kFull || last == codec::Decoded::kCorrupt || in.empty());
    bytes.remove_prefix(given - in.size());
    if (last == codec::Decoded::kCorrupt) return {};
  }
  out.good = last == codec::Decoded::kEnd;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const http::Coding coding = http::kCodings[data[0] % 3];
  const std::size_t piece = 1 + data[0] / 3 % 16;
  const std::string_view bytes = fuzz::text_of(data + 1, size - 1);
  const Outcome whole = decode(coding, bytes, SIZE_MAX, kMost);
  if (whole.good) RPX_CHECK(decode(coding, bytes, piece, 4096) == whole);
  return 0;
}
