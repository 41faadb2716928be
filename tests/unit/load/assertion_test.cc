#include "load/assertion.h"

#include <catch2/catch.hpp>

#include "load/summary.h"

using rpx::load::Assertion;
using rpx::load::Failure;
using rpx::load::Summary;

namespace {

Summary run_of_thousand() {
  Summary out;
  out.elapsed = std::chrono::seconds(2);
  out.tally.requests = 1000;
  out.tally.bytes_in = 4000;
  for (std::uint64_t i = 1; i <= 1000; ++i) out.tally.latency.record(i * 1000);
  for (int i = 0; i < 5; ++i) out.tally.fail(Failure::kStatus, "status 500");
  return out;
}

}  // namespace

TEST_CASE("assertions compare the figures of a run", "[load]") {
  const Summary run = run_of_thousand();
  for (const char* text : {"p99<1ms", "p99.9<=1ms", "p50 < 501us", "max<=1ms", "min>0.5us", "mean<600us", "rps>=500",
                           "rps=500", "requests==1000", "errors<1%", "errors<=5", "bytes>1KB/s", "raw.p99<1ms"}) {
    CAPTURE(text);
    const auto parsed = Assertion::parse(text);
    REQUIRE(parsed);
    CHECK(parsed->check(run).holds);
  }
  for (const char* text : {"p99<900us", "errors<0.5%", "errors<5", "rps>500", "p50>1ms"}) {
    CAPTURE(text);
    const auto parsed = Assertion::parse(text);
    REQUIRE(parsed);
    CHECK_FALSE(parsed->check(run).holds);
  }
  CHECK(Assertion::parse("errors<0.1%")->check(run).text == "errors<0.1%: 0.5%");
}

TEST_CASE("no latency holds where nobody answered", "[load]") {
  const Summary none;
  CHECK_FALSE(Assertion::parse("p99<1h")->check(none).holds);
  CHECK(Assertion::parse("errors<1%")->check(none).holds);
}

TEST_CASE("an assertion that makes no sense is refused", "[load]") {
  for (const char* text : {"", "p99", "p99<", "p99<20", "p101<1ms", "q9<1ms", "rps>fast", "errors<x%", "bytes>x"}) {
    CAPTURE(text);
    const auto parsed = Assertion::parse(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().kind == rpx::ErrorKind::kUsage);
  }
  CHECK(Assertion::parse("p99<1ms")->is_latency_limit());
  CHECK_FALSE(Assertion::parse("p99>1ms")->is_latency_limit());
  CHECK_FALSE(Assertion::parse("rps<1")->is_latency_limit());
}
