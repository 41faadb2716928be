#include <catch2/catch.hpp>

#include <random>

#include "base/result.h"
#include "codec/decoding_source.h"
#include "codec/encoder.h"
#include "http/held_body.h"
#include "rt/loop.h"
#include "support/run.h"

namespace rpx::codec {
namespace {

using http::Coding;

// A body that comes in pieces of `step` bytes, with nothing there before every other one.
class Pieces final : public http::BodySource {
 public:
  Pieces(rt::Loop& loop, std::string bytes, std::size_t step, bool stalls = false)
      : loop_(loop), bytes_(std::move(bytes)), step_(step), stalls_(stalls) {}

  Result<http::BodyPiece> try_read(std::size_t most) override {
    if (stalls_ && (blocked_ = !blocked_)) return http::BodyPiece{.blocked = true};
    const std::size_t size = std::min({step_, most, bytes_.size() - at_});
    piece_ = bytes_.substr(at_, size);
    at_ += size;
    return http::BodyPiece{.data = piece_, .end = ended()};
  }
  rt::Task<Status> wait(Duration) override { co_return Status{}; }
  const http::Headers* trailers() const noexcept override { return nullptr; }
  bool ended() const noexcept override { return at_ == bytes_.size(); }
  rt::Loop& loop() noexcept override { return loop_; }
  std::uint64_t received() const noexcept override { return at_; }

 private:
  rt::Loop& loop_;
  std::string bytes_;
  std::size_t step_;
  bool stalls_;
  bool blocked_ = false;
  std::size_t at_ = 0;
  std::string piece_;
};

std::string encoded(Coding coding, std::string_view body) {
  std::string out;
  REQUIRE(encode_whole(coding, 3, body, out));
  return out;
}

std::string random_body(std::mt19937& random, std::size_t size) {
  const unsigned letters = 1 + random() % 256;
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random() % letters);
  return out;
}

/// All that `source` gives, read in pieces of `most`.
Result<std::string> read_all(http::BodySource& source, std::size_t most) {
  std::string out;
  for (;;) {
    RPX_TRY(const http::BodyPiece piece, source.try_read(most));
    if (piece.blocked) CHECK(piece.data.empty());
    CHECK(piece.data.size() <= most);
    out += piece.data;
    if (piece.end) {
      CHECK(source.ended());
      CHECK(source.received() == out.size());
      return out;
    }
  }
}

TEST_CASE("decoding source: gives back what was coded, however it comes and is read", "[codec]") {
  const Coding coding = GENERATE(Coding::kGzip, Coding::kBr, Coding::kZstd);
  rt::Loop loop;
  std::mt19937 random(static_cast<unsigned>(coding));
  for (int round = 0; round < 40; ++round) {
    const std::string body = random_body(random, random() % 3 == 0 ? random() % 50 : random() % 150'000);
    const std::string coded = encoded(coding, body);
    const std::size_t step = 1 + random() % (coded.size() + 1);
    const std::size_t most = 1 + random() % 100'000;
    CAPTURE(round, body.size(), coded.size(), step, most);
    Pieces pieces(loop, coded, step, round % 2 == 0);
    DecodingSource source(pieces, coding, {.ratio = 0});
    const auto out = read_all(source, most);
    REQUIRE(out);
    CHECK((*out == body));
    CHECK(source.consumed() == coded.size());
  }
}

TEST_CASE("decoding source: codings one over the other come off in turn", "[codec][rfc9110-8.4]") {
  rt::Loop loop;
  const std::string body(10'000, 'x');
  Pieces pieces(loop, encoded(Coding::kZstd, encoded(Coding::kGzip, body)), 7);
  DecodingSource outer(pieces, Coding::kZstd, {});
  DecodingSource inner(outer, Coding::kGzip, {});
  CHECK(read_all(inner, 1000) == body);
}

TEST_CASE("decoding source: a body may be of several gzip members or zstd frames, not of several br streams",
          "[codec][rfc1952-2.2]") {
  rt::Loop loop;
  const Coding coding = GENERATE(Coding::kGzip, Coding::kBr, Coding::kZstd);
  const std::string coded = encoded(coding, "one ") + encoded(coding, "two");
  for (const std::size_t step : {1UL, 5UL, 1000UL}) {
    Pieces pieces(loop, coded, step);
    DecodingSource source(pieces, coding, {});
    const auto out = read_all(source, 1000);
    if (coding == Coding::kBr)
      CHECK_FALSE(out);
    else
      CHECK(out == std::string("one two"));
  }
}

TEST_CASE("decoding source: a body cut short anywhere is an error, and so is one with more behind it", "[codec]") {
  rt::Loop loop;
  const Coding coding = GENERATE(Coding::kGzip, Coding::kBr, Coding::kZstd);
  const Side side = GENERATE(Side::kClient, Side::kUpstream);
  const std::string coded = encoded(coding, "what is said in full is understood");
  const ErrorKind kind = side == Side::kClient ? ErrorKind::kBadRequest : ErrorKind::kBadResponse;
  for (std::size_t size = 1; size <= coded.size() + 1; ++size) {
    if (size == coded.size()) continue;
    CAPTURE(size, coded.size());
    Pieces pieces(loop, (coded + "!").substr(0, size), 5);
    DecodingSource source(pieces, coding, {.side = side});
    const auto out = read_all(source, 1000);
    REQUIRE_FALSE(out);
    CHECK(out.error().kind == kind);
    CHECK(out.error().side == side);
  }
}

TEST_CASE("decoding source: noise is an error, never more", "[codec]") {
  rt::Loop loop;
  const Coding coding = GENERATE(Coding::kGzip, Coding::kBr, Coding::kZstd);
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::string coded = encoded(coding, random_body(random, 2000));
    for (unsigned n = 0; n < 1 + random() % 4; ++n)
      coded[random() % coded.size()] ^= static_cast<char>(1 + random() % 255);
    Pieces pieces(loop, coded, 1 + random() % 3000);
    DecodingSource source(pieces, coding, {.most = 100'000});
    const auto out = read_all(source, 4096);
    if (!out) CHECK(out.error().side == Side::kClient);
  }
}

TEST_CASE("decoding source: no body at all is no error", "[codec]") {
  rt::Loop loop;
  const Coding coding = GENERATE(Coding::kGzip, Coding::kBr, Coding::kZstd);
  Pieces pieces(loop, "", 5);
  DecodingSource source(pieces, coding, {});
  CHECK(read_all(source, 1000) == std::string());
}

TEST_CASE("decoding source: what grows beyond the ratio or the size is refused early", "[codec]") {
  rt::Loop loop;
  const Coding coding = GENERATE(Coding::kGzip, Coding::kBr, Coding::kZstd);
  const std::string body(20'000'000, '\0');
  const std::string coded = encoded(coding, body);
  for (const DecodingLimits& limits : {DecodingLimits{.ratio = 100}, DecodingLimits{.ratio = 0, .most = 100'000}}) {
    Pieces pieces(loop, coded, 16 * 1024);
    DecodingSource source(pieces, coding, limits);
    const auto out = read_all(source, 65536);
    REQUIRE_FALSE(out);
    CHECK(out.error().kind == ErrorKind::kBodyTooLarge);
    CHECK(source.received() < 10'000'000);
  }
  Pieces pieces(loop, encoded(coding, std::string(50'000, 'a')), 1000);
  DecodingSource short_one(pieces, coding, {.ratio = 2});
  CHECK(read_all(short_one, 65536));
}

TEST_CASE("held body: what was gathered comes first, then the rest", "[codec]") {
  rt::Loop loop;
  std::mt19937 random(3);
  const std::string body = random_body(random, 5000);
  for (const std::size_t most : {0UL, 1UL, 4999UL, 5000UL, 6000UL}) {
    Pieces pieces(loop, body, 700, true);
    http::HeldBody held(pieces);
    const Result<bool> whole = test::run(loop, held.gather(most, std::chrono::seconds(1)));
    REQUIRE(whole);
    CHECK(*whole == (most >= body.size()));
    if (*whole) CHECK((held.text() == body));
    CHECK((read_all(held, 900) == body));
  }
}

TEST_CASE("held body: without patience only what is there is gathered", "[codec]") {
  rt::Loop loop;
  Pieces pieces(loop, "soon and later", 4, true);
  http::HeldBody held(pieces);
  const Result<bool> whole = test::run(loop, held.gather(100, std::nullopt));
  REQUIRE(whole);
  CHECK_FALSE(*whole);
  CHECK(read_all(held, 100) == std::string("soon and later"));
}

}  // namespace
}  // namespace rpx::codec
