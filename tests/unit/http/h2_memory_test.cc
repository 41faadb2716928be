#include "http/h2_memory.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

using rpx::http::h2_memory;

TEST_CASE("h2 memory: blocks keep what is written to them while others come, grow and go", "[http]") {
  nghttp2_mem& memory = *h2_memory();
  std::vector<char*> blocks;
  for (std::size_t i = 0; i < 300; ++i) {
    const std::size_t size = 1 + (i * 37) % 6000;
    auto* block = static_cast<char*>(memory.malloc(size, nullptr));
    REQUIRE(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t) == 0);
    std::memset(block, static_cast<int>(i % 100), size);
    // Shorter or longer: the part that both have stays.
    block = static_cast<char*>(memory.realloc(block, size * (1 + i % 3) / 2 + 1, nullptr));
    blocks.push_back(block);
    if (i % 2 == 0) {
      memory.free(blocks.front(), nullptr);
      blocks.erase(blocks.begin());
    }
    for (const char* kept : blocks) REQUIRE((kept[0] >= 0 && kept[0] < 100));
  }
  CHECK(blocks.back()[0] == 299 % 100);
  for (char* block : blocks) memory.free(block, nullptr);
}

TEST_CASE("h2 memory: zeroed blocks are zero, also where something was before", "[http]") {
  nghttp2_mem& memory = *h2_memory();
  void* before = memory.malloc(64, nullptr);
  std::memset(before, 'x', 64);
  memory.free(before, nullptr);
  auto* block = static_cast<char*>(memory.calloc(8, 8, nullptr));
  CHECK(std::string(block, 64) == std::string(64, '\0'));
  memory.free(block, nullptr);
}

TEST_CASE("h2 memory: what is too much is refused, and nothing may be given back", "[http]") {
  nghttp2_mem& memory = *h2_memory();
  // Nothing that the compiler knows, and warns of.
  const volatile std::size_t most = std::numeric_limits<std::size_t>::max();
  CHECK(memory.malloc(most - 8, nullptr) == nullptr);
  CHECK(memory.calloc(most / 2, 3, nullptr) == nullptr);
  memory.free(nullptr, nullptr);
  void* block = memory.realloc(nullptr, 10, nullptr);
  CHECK(block != nullptr);
  memory.free(block, nullptr);
}
