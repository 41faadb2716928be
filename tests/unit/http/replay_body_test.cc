#include "http/replay_body.h"

#include <catch2/catch.hpp>

#include <deque>

namespace rpx::http {
namespace {

// Hands out its pieces one by one; an empty one is "nothing yet".
class Pieces final : public BodySource {
 public:
  explicit Pieces(std::deque<std::string> pieces) : pieces_(std::move(pieces)) {}
  Result<BodyPiece> try_read(std::size_t) override {
    last_ = pieces_.front();
    pieces_.pop_front();
    return BodyPiece{.data = last_, .end = pieces_.empty(), .blocked = last_.empty() && !pieces_.empty()};
  }
  rt::Task<Status> wait(Duration) override { co_return Status{}; }
  const Headers* trailers() const noexcept override { return nullptr; }
  bool ended() const noexcept override { return pieces_.empty(); }
  rt::Loop& loop() noexcept override { std::abort(); }
  std::uint64_t received() const noexcept override { return 0; }

 private:
  std::deque<std::string> pieces_;
  std::string last_;
};

// Reads until the end, or until nothing is there.
std::string read_all(ReplayBody& body, std::size_t most, bool& end) {
  std::string out;
  end = body.ended();
  while (!end) {
    const BodyPiece piece = body.try_read(most).value();
    out += piece.data;
    end = piece.end;
    if (piece.blocked) break;
  }
  return out;
}

TEST_CASE("replay body: what was handed out comes again, then the rest", "[http]") {
  Pieces source({"two", "", "three", "four"});
  ReplayBody body(source, 100, "one");
  bool end = false;
  CHECK(read_all(body, 100, end) == "two");
  CHECK_FALSE(end);
  REQUIRE(body.can_begin_again());
  body.begin_again();
  CHECK(read_all(body, 2, end) == "onetwothreefour");
  CHECK(end);
  CHECK(body.ended());
  body.begin_again();
  CHECK_FALSE(body.ended());
  CHECK(read_all(body, 100, end) == "onetwothreefour");
  CHECK(end);
}

TEST_CASE("replay body: past the bound it passes on what comes, and cannot begin again", "[http]") {
  Pieces source({"two", "three", "four"});
  ReplayBody body(source, 6, "one");
  CHECK(body.try_read(100).value().data == "two");
  CHECK(body.can_begin_again());
  CHECK(body.try_read(100).value().data == "three");
  CHECK_FALSE(body.can_begin_again());
  bool end = false;
  CHECK(read_all(body, 100, end) == "four");
  CHECK(end);
}

TEST_CASE("replay body: an end that comes alone", "[http]") {
  Pieces source({"two", ""});
  ReplayBody body(source, 100, "one");
  bool end = false;
  CHECK(read_all(body, 100, end) == "two");
  CHECK(end);
  body.begin_again();
  CHECK(read_all(body, 100, end) == "onetwo");
  CHECK(end);
}

}  // namespace
}  // namespace rpx::http
