#include "http/h2_watch.h"

#include <catch2/catch.hpp>

#include "support/h2.h"

namespace rpx::http {
namespace {

using test::frame;
using test::number;
using Sight = H2Watch::Sight;

constexpr Instant kNow{std::chrono::hours(1)};

/// A watch that has seen the preface.
struct Watched {
  explicit Watched(const Limits& limits = {}) : watch(limits) { watch.look(test::kH2Preface, kNow); }
  /// What is first objected to, in pieces of `piece` bytes.
  H2Watch::Seen look(std::string_view bytes, std::size_t piece, Instant now = kNow) {
    while (!bytes.empty()) {
      std::string_view part = bytes.substr(0, piece);
      bytes.remove_prefix(part.size());
      while (!part.empty()) {
        const H2Watch::Seen seen = watch.look(part, now);
        if (seen.sight != Sight::kFine) return seen;
        part.remove_prefix(seen.bytes);
      }
    }
    return {};
  }
  H2Watch watch;
};

const std::string kGet = frame(test::kHeaders, test::kWholeHead | test::kEnd, 1);
const std::string kPost = frame(test::kHeaders, test::kWholeHead, 1, "head");
const std::string kMore = frame(test::kData, 0, 1, "more");
const std::string kRest = frame(test::kData, test::kEnd, 1, "rest");

TEST_CASE("h2 watch: what a client's half of a stream allows", "[http][rfc9113-5.1]") {
  struct Row {
    std::string frames;
    Sight sight;
  };
  const auto row = GENERATE(
      Row{kGet, Sight::kFine}, Row{kPost + kMore + kRest, Sight::kFine}, Row{kGet + kMore, Sight::kEnded},
      Row{kGet + kGet, Sight::kEnded}, Row{kPost + kRest + kMore, Sight::kEnded},
      Row{kPost + frame(test::kReset, 0, 1, number(8, 4)) + kMore, Sight::kEnded},
      Row{kPost + frame(test::kHeaders, test::kWholeHead | test::kEnd, 1) + kMore, Sight::kEnded},
      Row{frame(test::kHeaders, 5, 5) + frame(test::kHeaders, 5, 3), Sight::kUnopened},
      Row{frame(test::kHeaders, 5, 1) + frame(test::kHeaders, 5, 501) + frame(test::kHeaders, 5, 1), Sight::kEnded},
      Row{kGet + frame(test::kWindow, 0, 1, number(9, 4)) + frame(test::kPriority, 0, 1, "12345"), Sight::kFine},
      Row{kGet + frame(test::kReset, 0, 1, number(8, 4)), Sight::kFine},
      Row{frame(test::kData, 0, 7, "idle: for nghttp2"), Sight::kFine},
      Row{kPost + frame(test::kData, test::kPadded, 1, std::string("\x02-..", 4)), Sight::kFine},
      Row{kPost + frame(test::kData, test::kPadded, 1, std::string("\x03...", 4)), Sight::kFine},
      Row{kPost + frame(test::kData, test::kPadded, 1, std::string("\x04...", 4)), Sight::kPadding});
  const std::size_t piece = GENERATE(1U, 7U, 1000U);
  CHECK(Watched().look(row.frames, piece).sight == row.sight);
}

TEST_CASE("h2 watch: of an objection the head is looked at and no more", "[http][rfc9113-5.1]") {
  Watched watched;
  const H2Watch::Seen seen = watched.watch.look(kGet + kMore + kMore, kNow);
  CHECK(seen.sight == Sight::kEnded);
  CHECK(seen.stream == 1);
  CHECK(seen.bytes == kGet.size() + 9);
}

TEST_CASE("h2 watch: frames that ask for nothing are a flood when there are many a second", "[http]") {
  struct Row {
    std::string one;
    H2Flood flood;
    int most;
  };
  const auto row =
      GENERATE(Row{frame(test::kReset, 0, 1, number(8, 4)), H2Flood::kResets, 100},
               Row{frame(test::kSettings, 0, 0), H2Flood::kSettings, 1000},
               Row{frame(test::kPing, 0, 0, "12345678"), H2Flood::kPings, 1000},
               Row{frame(test::kPriority, 0, 1, "12345"), H2Flood::kOther, 1000},
               Row{frame(0x77, 0, 0), H2Flood::kOther, 1000}, Row{frame(test::kData, 0, 1), H2Flood::kEmpty, 1000},
               Row{frame(test::kData, test::kPadded, 1, std::string("\x03...", 4)), H2Flood::kEmpty, 1000},
               Row{frame(test::kWindow, 0, 0, number(1, 4)), H2Flood::kWindows, 2000},
               Row{frame(test::kContinuation, 0, 1), H2Flood::kContinuations, 7});
  CAPTURE(name_of(row.flood));
  Watched watched;
  CHECK(watched.look(kPost, 100).sight == Sight::kFine);
  for (int n = 0; n < row.most; ++n) REQUIRE(watched.look(row.one, 100).sight == Sight::kFine);
  const H2Watch::Seen seen = watched.look(row.one, 100);
  CHECK(seen.sight == Sight::kFlood);
  CHECK(seen.flood == row.flood);
  // The same number spread over time is none; what one head may have does not depend on time.
  Watched slow;
  slow.look(kPost, 100);
  for (int n = 0; n < 3 * row.most; ++n) {
    if (row.flood == H2Flood::kContinuations && n % row.most == 0) slow.look(kPost, 100);
    REQUIRE(slow.look(row.one, 100, kNow + n * std::chrono::seconds(2) / row.most).sight == Sight::kFine);
  }
}

TEST_CASE("h2 watch: windows that answer what was sent are no flood", "[http]") {
  Watched watched;
  for (int n = 0; n < 10'000; ++n) {
    watched.watch.sent_data();
    REQUIRE(watched.look(frame(test::kWindow, 0, 0, number(100, 4)), 100).sight == Sight::kFine);
  }
}

TEST_CASE("h2 watch: uploads that we ended are remembered up to a point", "[http]") {
  Limits limits;
  limits.h2_streams = 10;
  Watched watched(limits);
  for (std::uint32_t id = 1; id < 2000; id += 2) watched.look(frame(test::kHeaders, test::kWholeHead, id), 100);
  for (std::uint32_t id = 1; id < 2000; id += 2)
    CHECK(watched.look(frame(test::kData, 0, id, "late"), 100).sight == Sight::kFine);
}

}  // namespace
}  // namespace rpx::http
