// Chunked bodies: the first byte of the input chooses how the rest is cut up, which must make no difference.
#include <algorithm>
#include <string>

#include "fuzz.h"
#include "http/h1_chunked.h"
#include "http/h1_write.h"

using namespace rpx;
using namespace rpx::http;

namespace {

struct Outcome {
  bool refused = false;
  bool done = false;
  std::string payload;
  std::size_t consumed = 0;
  std::string trailers;

  bool operator==(const Outcome&) const = default;
};

Outcome decode(std::string_view bytes, std::size_t piece, Side side) {
  const Limits limits{.header_bytes = 512, .headers = 8};
  Outcome out;
  ChunkedDecoder decoder(side);
  while (!bytes.empty() && !out.done) {
    std::string buffer(bytes.substr(0, piece));
    const auto step = decoder.decode(buffer, limits);
    if (!step) {
      RPX_CHECK(step.error().side == side);
      // How much of the payload came out before depends on the pieces.
      return Outcome{.refused = true};
    }
    RPX_CHECK(step->consumed <= buffer.size() && step->produced <= step->consumed);
    RPX_CHECK(step->done || step->consumed == buffer.size());
    out.payload += buffer.substr(0, step->produced);
    out.consumed += step->consumed;
    out.done = step->done;
    bytes.remove_prefix(step->consumed);
  }
  if (!out.done) return out;
  for (const Field& field : decoder.trailers()) {
    RPX_CHECK(!fuzz::breaks_lines(field.name) && !fuzz::breaks_lines(field.value));
    out.trailers += std::string(field.name) + ":" + std::string(field.value) + "\n";
  }
  return out;
}

/// Written again by our own hand, the body reads the same.
void check_next_hop(const Outcome& outcome, Side side) {
  std::string bytes;
  if (!outcome.payload.empty()) {
    write_chunk_size(bytes, outcome.payload.size());
    bytes += outcome.payload + "\r\n";
  }
  write_last_chunk(bytes, {});
  const Outcome again = decode(bytes, SIZE_MAX, side);
  RPX_CHECK(again.done && again.payload == outcome.payload && again.consumed == bytes.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Side side = (data[0] & 1) != 0 ? Side::kUpstream : Side::kClient;
  const std::size_t piece = 1 + data[0] / 2 % 16;
  const std::string_view bytes = fuzz::text_of(data + 1, size - 1);
  const Outcome whole = decode(bytes, SIZE_MAX, side);
  RPX_CHECK(decode(bytes, piece, side) == whole);
  if (!whole.done) return 0;
  check_next_hop(whole, side);
  RPX_CHECK(decode(bytes.substr(0, whole.consumed), SIZE_MAX, side) == whole);
  RPX_CHECK(!decode(bytes.substr(0, whole.consumed - 1), SIZE_MAX, side).done);
  // A server may be forgiven what a client may not; never the other way round.
  if (side == Side::kClient) RPX_CHECK(decode(bytes, piece, Side::kUpstream) == whole);
  return 0;
}
