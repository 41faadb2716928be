#include "load/summary.h"

#include <catch2/catch.hpp>

using rpx::load::Failure;
using rpx::load::Summary;

namespace {

Summary example_run(std::uint64_t offset) {
  Summary out;
  out.targets = {"GET http://a.test/"};
  out.open_loop = true;
  out.rate = 100;
  out.connections = 10;
  out.threads = 2;
  out.started = rpx::WallTime(std::chrono::seconds(1'800'000'000));
  out.elapsed = std::chrono::seconds(1);
  for (std::uint64_t i = 1; i <= 100; ++i) {
    out.tally.latency.record(offset + i * 10000);
    out.tally.raw.record(i * 1000);
  }
  out.tally.requests = 100;
  out.tally.classes[2] = 99;
  out.tally.classes[5] = 1;
  out.tally.fail(Failure::kStatus, "status 500");
  out.tally.series.resize(1);
  out.tally.series[0].requests = 100;
  out.tally.series[0].latency.record(5000);
  out.warnings = {"something"};
  return out;
}

}  // namespace

TEST_CASE("a result read back from JSON is the same result", "[load]") {
  const Summary run = example_run(0);
  const auto read = rpx::load::from_json(to_json(run), "a.json");
  REQUIRE(read);
  CHECK(read->tally.requests == 100);
  CHECK(read->tally.latency.percentile(99) == run.tally.latency.percentile(99));
  CHECK(read->tally.raw.percentile(50) == run.tally.raw.percentile(50));
  CHECK(read->tally.failures == run.tally.failures);
  CHECK(read->tally.examples == run.tally.examples);
  CHECK(read->tally.classes == run.tally.classes);
  CHECK(read->started == run.started);
  CHECK(read->rps() == Approx(100));
  CHECK(read->open_loop);
  CHECK(read->tally.series.size() == 1);
}

TEST_CASE("what is no result says so", "[load]") {
  for (const char* text : {"", "[]", "{}", "{\"schema\":\"rpx-bench/2\"}", "{\"schema\":\"rpx-bench/1\"}"})
    CHECK(rpx::load::from_json(text, "x.json").error().kind == rpx::ErrorKind::kUsage);
}

TEST_CASE("runs at the same time add up their rates, runs in turn their times", "[load]") {
  const Summary first = example_run(0);
  Summary second = example_run(1'000'000);
  const Summary together = rpx::load::merge({first, second});
  CHECK(together.rps() == Approx(200));
  CHECK(together.rate == 200);
  CHECK(static_cast<double>(together.tally.latency.percentile(50)) ==
        Approx(static_cast<double>(first.tally.latency.max())).epsilon(0.001));
  CHECK(together.tally.failed() == 2);
  second.started += std::chrono::minutes(1);
  const Summary in_turn = rpx::load::merge({first, second});
  CHECK(in_turn.rps() == Approx(100));
  CHECK(in_turn.connections == 10);
}

TEST_CASE("text, lines and CSV tell the figures", "[load]") {
  const Summary run = example_run(0);
  const std::string text = to_text(run, false);
  CHECK(text.find("from when due") != std::string::npos);
  CHECK(text.find("status: 1") != std::string::npos);
  CHECK(text.find("warning: something") != std::string::npos);
  CHECK(to_plain(run).find("\nrps\t100.0\n") != std::string::npos);
  CHECK(to_csv(run).find("\n0.000,100,0,0,100.0,0.0050") != std::string::npos);
  CHECK(rpx::load::time_text(1234) == "1.23µs");
  CHECK(rpx::load::time_text(12'345'678) == "12.3ms");
  CHECK(rpx::load::time_text(5e9) == "5.00s");
}
