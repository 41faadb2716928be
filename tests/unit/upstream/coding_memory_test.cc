#include "upstream/coding_memory.h"

#include <catch2/catch.hpp>

namespace rpx::upstream {
namespace {

TEST_CASE("coding memory: knows what it learned for a while, each coding by itself", "[upstream][rfc7694]") {
  using Answer = CodingMemory::Answer;
  using http::Coding;
  const Instant now = Instant(std::chrono::hours(100));
  CodingMemory memory;
  CHECK(memory.of(Coding::kGzip, now) == Answer::kUnknown);
  memory.learn(Coding::kGzip, true, now);
  memory.learn(Coding::kBr, false, now);
  CHECK(memory.of(Coding::kGzip, now + std::chrono::minutes(59)) == Answer::kTakes);
  CHECK(memory.of(Coding::kBr, now + std::chrono::minutes(9)) == Answer::kRefuses);
  CHECK(memory.of(Coding::kZstd, now) == Answer::kUnknown);
  CHECK(memory.of(Coding::kGzip, now + std::chrono::minutes(61)) == Answer::kUnknown);
  CHECK(memory.of(Coding::kBr, now + std::chrono::minutes(11)) == Answer::kUnknown);
  memory.learn(Coding::kGzip, false, now);
  CHECK(memory.of(Coding::kGzip, now) == Answer::kRefuses);
}

}  // namespace
}  // namespace rpx::upstream
