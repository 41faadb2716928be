#include "load/report.h"

#include <catch2/catch.hpp>

using rpx::load::Assertion;
using rpx::load::Summary;

namespace {

Summary reported_run() {
  Summary out;
  out.targets = {"GET http://a.test/?x=<b>&y"};
  out.elapsed = std::chrono::seconds(3);
  out.tally.requests = 30;
  out.tally.series.resize(3);
  for (auto& slot : out.tally.series) {
    slot.requests = 10;
    slot.latency.record(2'000'000, 10);
  }
  out.tally.latency.record(2'000'000, 30);
  out.tally.fail(rpx::load::Failure::kStatus, "status 500 (a.test, GET /\"<script>\")");
  return out;
}

}  // namespace

TEST_CASE("a report is one page that fetches nothing and trusts no text", "[load]") {
  const std::string page = to_html(reported_run(), {*Assertion::parse("p99<1ms")});
  CHECK(page.starts_with("<!doctype html>"));
  CHECK(page.find("GET http://a.test/?x=&lt;b&gt;&amp;y") != std::string::npos);
  CHECK(page.find("&lt;script&gt;") != std::string::npos);
  for (const char* bad : {"<script>", "src=", "href=", "<link", "@import", "nan", "inf,"}) {
    CAPTURE(bad);
    CHECK(page.find(bad) == std::string::npos);
  }
  for (const char* plot : {"Throughput", "Latency over time", "Percentiles", "Errors", "✗ p99&lt;1ms: 2.00ms"}) {
    CAPTURE(plot);
    CHECK(page.find(plot) != std::string::npos);
  }
}

TEST_CASE("a report of nothing is a page all the same", "[load]") {
  CHECK(to_html(Summary{}, {}).ends_with("</body></html>\n"));
}

TEST_CASE("JUnit has a test case for each condition, or one for the whole run", "[load]") {
  const std::string two = to_junit(reported_run(), {*Assertion::parse("p99<1ms"), *Assertion::parse("rps>=10")});
  CHECK(two.find("tests=\"2\" failures=\"1\"") != std::string::npos);
  CHECK(two.find("<failure message=\"p99&lt;1ms: 2.00ms\"/>") != std::string::npos);
  CHECK(to_junit(reported_run(), {}).find("name=\"no errors\"") != std::string::npos);
}
