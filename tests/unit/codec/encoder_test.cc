#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>
#include <catch2/catch.hpp>

#include <optional>
#include <random>

#include "base/result.h"
#include "codec/encoding_sink.h"

namespace rpx::codec {
namespace {

using http::Coding;

constexpr std::size_t kMost = 4 * 1024 * 1024;

// What a coding's own library makes of `coded`: all it can, and whether that was the whole body.
struct Decoded {
  std::string text;
  bool whole = false;
};

Decoded inflate_gzip(std::string_view coded) {
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  Decoded out{std::string(kMost, '\0')};
  std::string in(coded);
  stream.next_in = reinterpret_cast<unsigned char*>(in.data());
  stream.avail_in = static_cast<unsigned>(in.size());
  stream.next_out = reinterpret_cast<unsigned char*>(out.text.data());
  stream.avail_out = kMost;
  out.whole = inflate(&stream, Z_SYNC_FLUSH) == Z_STREAM_END && stream.avail_in == 0;
  out.text.resize(kMost - stream.avail_out);
  inflateEnd(&stream);
  return out;
}

Decoded decode_br(std::string_view coded) {
  BrotliDecoderState* state = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
  Decoded out{std::string(kMost, '\0')};
  std::size_t left = coded.size();
  const auto* in = reinterpret_cast<const std::uint8_t*>(coded.data());
  std::size_t room = kMost;
  auto* to = reinterpret_cast<std::uint8_t*>(out.text.data());
  out.whole = BrotliDecoderDecompressStream(state, &left, &in, &room, &to, nullptr) == BROTLI_DECODER_RESULT_SUCCESS &&
              left == 0;
  out.text.resize(kMost - room);
  BrotliDecoderDestroyInstance(state);
  return out;
}

Decoded decode_zstd(std::string_view coded) {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  Decoded out{std::string(kMost, '\0')};
  ZSTD_inBuffer in{coded.data(), coded.size(), 0};
  ZSTD_outBuffer room{out.text.data(), kMost, 0};
  while (in.pos < in.size && !out.whole) {
    const std::size_t left = ZSTD_decompressStream(context, &room, &in);
    REQUIRE(ZSTD_isError(left) == 0);
    out.whole = left == 0;
  }
  out.whole = out.whole && in.pos == in.size;
  out.text.resize(room.pos);
  ZSTD_freeDCtx(context);
  return out;
}

Decoded decode(Coding coding, std::string_view coded) {
  if (coding == Coding::kGzip) return inflate_gzip(coded);
  return coding == Coding::kBr ? decode_br(coded) : decode_zstd(coded);
}

// Anything from noise to a single letter.
std::string random_text(std::mt19937& random, std::size_t size) {
  const unsigned letters = 1 + random() % 256;
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random() % letters);
  return out;
}

std::uint32_t fast_level(Coding coding, unsigned number) {
  const Levels levels = levels_of(coding);
  return std::min(levels.least + number % 9, std::min(levels.most, 9U));
}

TEST_CASE("encoder: gzip about size codes a body whole when it ends before a flush, and streams it otherwise",
          "[codec]") {
  std::mt19937 random(6);
  const std::size_t size = GENERATE(std::size_t{50'000}, std::size_t{600'000});
  const bool flushed = GENERATE(false, true);
  const std::string text = random_text(random, size);
  EncoderLease encoder(Coding::kGzip, 6);
  std::string coded;
  REQUIRE(encoder->encode(std::string_view(text).substr(0, size / 2), Flush::kNone, coded));
  if (flushed) {
    REQUIRE(encoder->encode({}, Flush::kSync, coded));
    // All that went in is out.
    CHECK(inflate_gzip(coded).text == text.substr(0, size / 2));
  } else {
    CHECK(coded.empty() == (size < 256 * 1024));
  }
  REQUIRE(encoder->encode(std::string_view(text).substr(size / 2), Flush::kEnd, coded));
  const Decoded decoded = inflate_gzip(coded);
  CHECK(decoded.whole);
  CHECK(decoded.text == text);
  std::string whole;
  REQUIRE(encode_whole_gzip(6, text, whole));
  CHECK((coded == whole) == (!flushed && size < 256 * 1024));
}

TEST_CASE("encoder: the same bytes come out for any coding, level, size, cut and flush", "[codec]") {
  const Coding coding = GENERATE(Coding::kGzip, Coding::kBr, Coding::kZstd);
  std::mt19937 random(static_cast<unsigned>(coding));
  for (unsigned round = 0; round < 40; ++round) {
    const std::uint32_t level = fast_level(coding, round);
    const std::string body = random_text(random, random() % 3 == 0 ? random() % 50 : random() % 200'000);
    CAPTURE(round, level, body.size());
    std::string coded;
    EncoderLease encoder(coding, level);
    for (std::size_t at = 0; at < body.size();) {
      const std::size_t piece = 1 + random() % (body.size() / 3 + 1);
      const bool flush = random() % 4 == 0;
      REQUIRE(encoder->encode(std::string_view(body).substr(at, piece), flush ? Flush::kSync : Flush::kNone, coded));
      at += piece;
      // All that went in before a flush can be had from what came out.
      if (flush) REQUIRE((decode(coding, coded).text == body.substr(0, at)));
    }
    REQUIRE(encoder->encode({}, Flush::kEnd, coded));
    const Decoded decoded = decode(coding, coded);
    REQUIRE(decoded.whole);
    REQUIRE((decoded.text == body));
  }
}

TEST_CASE("encoder: a whole body is coded the same in every level, and shorter", "[codec]") {
  const Coding coding = GENERATE(Coding::kGzip, Coding::kBr, Coding::kZstd);
  std::string body;
  for (int i = 0; i < 1000; ++i) body += "{\"id\": " + std::to_string(i * 7919) + ", \"name\": \"an item\"},\n";
  for (unsigned number = 0; number < 9; ++number) {
    std::string coded = "before";
    REQUIRE(encode_whole(coding, fast_level(coding, number), body, coded));
    REQUIRE(coded.starts_with("before"));
    const Decoded decoded = decode(coding, std::string_view(coded).substr(6));
    CAPTURE(number, coded.size());
    CHECK(decoded.whole);
    CHECK((decoded.text == body));
    CHECK(coded.size() < body.size() / 3);
  }
}

TEST_CASE("encoder: zstd 6 codes text alike whether its length is known or not", "[codec]") {
  std::mt19937 random(8);
  const std::string text = random_text(random, 100'000);
  std::string at_once;
  REQUIRE(encode_whole(Coding::kZstd, 6, text, at_once));
  std::string in_pieces;
  EncoderLease encoder(Coding::kZstd, 6);
  REQUIRE(encoder->encode(std::string_view(text).substr(0, 40'000), Flush::kNone, in_pieces));
  REQUIRE(encoder->encode(std::string_view(text).substr(40'000), Flush::kEnd, in_pieces));
  CHECK(static_cast<double>(at_once.size()) == Approx(in_pieces.size()).epsilon(0.002));
}

TEST_CASE("encoder: a state given up half-way leaves nothing to the next body", "[codec]") {
  const Coding coding = GENERATE(Coding::kGzip, Coding::kBr, Coding::kZstd);
  {
    EncoderLease given_up(coding, 1);
    std::string lost;
    REQUIRE(given_up->encode(std::string(50'000, 'a') + "secret", Flush::kNone, lost));
  }
  std::string coded;
  EncoderLease encoder(coding, 1);
  REQUIRE(encoder->encode("fresh", Flush::kEnd, coded));
  const Decoded decoded = decode(coding, coded);
  CHECK(decoded.whole);
  CHECK(decoded.text == "fresh");
}

class Collected final : public http::BodySink {
 public:
  Result<bool> try_write(std::string_view data, bool end, const http::Headers*) override {
    CHECK((end || !data.empty()));
    CHECK_FALSE(ended);
    bytes += data;
    ended = end;
    return true;
  }
  Result<bool> try_flush() override {
    ++flushes;
    return true;
  }
  rt::Task<Status> drain(Duration) override { co_return Status{}; }
  std::uint64_t sent() const noexcept override { return bytes.size(); }
  std::string bytes;
  bool ended = false;
  int flushes = 0;
};

TEST_CASE("encoding sink: what was written before a flush can be read after it", "[codec]") {
  const Coding coding = GENERATE(Coding::kGzip, Coding::kBr, Coding::kZstd);
  Collected collected;
  EncodingSink sink(coding, 3);
  sink.to(collected);
  REQUIRE(sink.try_flush());  // a head that waits
  CHECK(collected.flushes == 1);
  CHECK(collected.bytes.empty());
  std::string all;
  for (int i = 0; i < 5; ++i) {
    const std::string event = "data: " + std::to_string(i) + "\n\n";
    REQUIRE(sink.try_write(event, false));
    REQUIRE(sink.try_flush());
    all += event;
    CHECK(decode(coding, collected.bytes).text == all);
    const std::size_t before = collected.bytes.size();
    REQUIRE(sink.try_flush());
    CHECK(collected.bytes.size() == before);
  }
  REQUIRE(sink.try_write({}, true));
  CHECK(collected.ended);
  CHECK(decode(coding, collected.bytes).whole);
  CHECK(sink.plain_bytes() == all.size());
  CHECK(sink.coded_bytes() == collected.bytes.size());
}

}  // namespace
}  // namespace rpx::codec
