#include "net/stream.h"

#include <catch2/catch.hpp>

#include <array>

#include "support/run.h"
#include "support/streams.h"

namespace rpx::net {
namespace {

using std::chrono::milliseconds;

TEST_CASE("stream: reads, would-block, end and their flags", "[net]") {
  rt::Loop loop;
  auto pair = test::stream_pair(loop);
  std::array<char, 8> bytes;
  CHECK(pair.near->try_read(bytes).state == IoState::kWouldBlock);
  CHECK_FALSE(pair.near->io().may_read());
  test::send_now(pair.far->fd(), "0123456789");
  pair.near->io().mark_readable();
  IoResult got = pair.near->try_read(bytes);
  CHECK(got.state == IoState::kDone);
  CHECK(got.bytes == 8);
  CHECK(pair.near->io().may_read());  // a full buffer may have left something
  got = pair.near->try_read(bytes);
  CHECK(got.bytes == 2);
  CHECK_FALSE(pair.near->io().may_read());  // a short read has not
  pair.far->shutdown_write();
  CHECK(pair.near->try_read(bytes).state == IoState::kEnd);
  CHECK(pair.near->is_plain());
}

TEST_CASE("stream: pieces are written in order, in one call", "[net]") {
  rt::Loop loop;
  auto pair = test::stream_pair(loop);
  std::string a = "one ";
  std::string b = "two ";
  std::string c = "three";
  const std::array<iovec, 3> pieces{{{a.data(), a.size()}, {b.data(), b.size()}, {c.data(), c.size()}}};
  const IoResult wrote = pair.near->try_write(pieces);
  CHECK(wrote.state == IoState::kDone);
  CHECK(wrote.bytes == 13);
  CHECK(test::receive_now(pair.far->fd()) == "one two three");
}

TEST_CASE("stream: writing to a peer that is gone is an error and no signal", "[net]") {
  rt::Loop loop;
  auto pair = test::stream_pair(loop);
  pair.far.reset();
  const Status sent = test::run(loop, write_all(*pair.near, "x", Side::kUpstream, Instant::max()));
  REQUIRE_FALSE(sent);
  CHECK(sent.error().kind == ErrorKind::kReset);
  CHECK(sent.error().side == Side::kUpstream);
}

TEST_CASE("stream: write_all waits for a slow peer, up to its deadline", "[net]") {
  rt::Loop loop;
  auto pair = test::stream_pair(loop, 4096);
  const std::string text(200'000, 'w');
  rt::Task<Status> writing = write_all(*pair.near, text, Side::kClient, Instant::max());
  test::start(writing);
  REQUIRE_FALSE(writing.done());
  std::string got;
  REQUIRE(test::run_until(loop, [&] {
    got += test::receive_now(pair.far->fd());
    return writing.done();
  }));
  CHECK(writing.take());
  got += test::receive_now(pair.far->fd());
  CHECK(got.size() == text.size());

  const Status late = test::run(loop, write_all(*pair.near, text, Side::kClient, loop.now() + milliseconds(2)));
  REQUIRE_FALSE(late);
  CHECK(late.error().kind == ErrorKind::kWriteTimeout);
}

TEST_CASE("stream: descriptors are closed with their owners", "[net]") {
  const int before = test::open_descriptors();
  {
    rt::Loop loop;
    auto pair = test::stream_pair(loop);
    pair.near->io().watch();
    UniqueFd moved(dup(pair.near->fd()));
    UniqueFd target(dup(pair.near->fd()));
    target = std::move(moved);
    CHECK_FALSE(moved);
    CHECK(target);
  }
  CHECK(test::open_descriptors() == before);
}

}  // namespace
}  // namespace rpx::net
