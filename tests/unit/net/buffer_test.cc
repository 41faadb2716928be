#include "net/buffer.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <string>

namespace rpx::net {
namespace {

TEST_CASE("buffer: holds no memory until it is needed, nor after it is released", "[net]") {
  InputBuffer buffer;
  CHECK(buffer.view().empty());
  CHECK(buffer.room().empty());
  CHECK_FALSE(buffer.holds_memory());
  buffer.append({});
  CHECK(buffer.view().empty());
  buffer.append("abc");
  CHECK(buffer.view() == "abc");
  CHECK(buffer.holds_memory());
  buffer.release();
  CHECK_FALSE(buffer.holds_memory());
  CHECK(buffer.empty());
  buffer.release();
}

TEST_CASE("buffer: views stay while there is room", "[net]") {
  InputBuffer buffer;
  buffer.append(std::string(InputBuffer::kBlock / 4, 'a'));
  const char* before = buffer.view().data();
  REQUIRE(buffer.room().size() >= 100);
  buffer.append(std::string(100, 'b'));
  CHECK(buffer.view().data() == before);
}

TEST_CASE("buffer: behaves as a queue of bytes whatever the sizes", "[net]") {
  std::mt19937 random(3);
  for (int round = 0; round < 20; ++round) {
    InputBuffer buffer;
    std::string model;
    for (int step = 0; step < 200; ++step) {
      switch (random() % 4) {
        case 0:
        case 1: {
          const std::string text(random() % (step % 20 == 0 ? 50'000 : 3'000), static_cast<char>('a' + step % 26));
          buffer.append(text);
          model += text;
          break;
        }
        case 2: {
          const std::size_t count = model.empty() ? 0 : random() % (model.size() + 1);
          buffer.consume(count);
          model.erase(0, count);
          break;
        }
        default: {
          const std::size_t more = 1 + random() % 2000;
          buffer.reserve(more);
          REQUIRE(buffer.room().size() >= more);
          std::ranges::fill(buffer.room().first(more), 'z');
          buffer.filled(more);
          model.append(more, 'z');
        }
      }
      REQUIRE(buffer.size() == model.size());
      REQUIRE((buffer.view() == model));
    }
    if (random() % 2) buffer.release();
  }
}

TEST_CASE("buffer: the scratch space is one and the same for a thread", "[net]") {
  CHECK(scratch().size() == kScratchBytes);
  CHECK(scratch().data() == scratch().data());
}

}  // namespace
}  // namespace rpx::net
