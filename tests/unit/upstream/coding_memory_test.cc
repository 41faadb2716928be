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

TEST_CASE("coding memory: what a server says is not proven before it has taken a body", "[upstream][rfc7694]") {
  using http::Coding;
  const Instant now = Instant(std::chrono::hours(100));
  CodingMemory memory;
  memory.learn(Coding::kBr, false, now);
  CHECK_FALSE(memory.knows_any());
  memory.learn(Coding::kGzip, true, now);
  CHECK(memory.knows_any());
  CHECK_FALSE(memory.proven(Coding::kGzip));
  memory.prove(Coding::kGzip, now);
  CHECK(memory.proven(Coding::kGzip));
  memory.learn(Coding::kGzip, false, now);
  CHECK_FALSE(memory.proven(Coding::kGzip));
}

}  // namespace
}  // namespace rpx::upstream
