#include "proxy/metrics.h"

#include <catch2/catch.hpp>

#include <set>
#include <sstream>

namespace rpx::proxy {
namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST_CASE("metrics: counters of all workers are added up", "[proxy]") {
  WorkerCounters one;
  WorkerCounters two;
  one.requests.add(3);
  two.requests.add(4);
  two.responses[5].add();
  two.responses[0].add(2);
  one.bytes_sent.add(1'000'000'000'000);
  const WorkerCounters* workers[] = {&one, &two};
  StatusView status;
  status.workers = 2;
  status.counters = sum_counters(workers);
  const std::string text = write_metrics(status, workers, {}, 9);
  CHECK(has_line(text, "rpx_requests_total 7"));
  CHECK(has_line(text, "rpx_responses_total{class=\"5xx\"} 1"));
  CHECK(has_line(text, "rpx_responses_total{class=\"none\"} 2"));
  CHECK(has_line(text, "rpx_sent_bytes_total 1000000000000"));
  CHECK(has_line(text, "rpx_workers 2"));
  CHECK(has_line(text, "rpx_access_log_dropped_lines_total 9"));
}

TEST_CASE("metrics: latencies fall into the bucket that holds them, and buckets include those below", "[proxy]") {
  WorkerCounters counters;
  counters.latency.add(std::chrono::microseconds(0));
  counters.latency.add(std::chrono::microseconds(500));
  counters.latency.add(std::chrono::microseconds(501));
  counters.latency.add(std::chrono::seconds(10));
  counters.latency.add(std::chrono::seconds(11));
  CHECK(counters.latency.buckets[0].read() == 2);
  CHECK(counters.latency.buckets[1].read() == 1);
  CHECK(counters.latency.buckets[kLatencyBounds.size()].read() == 1);
  const WorkerCounters* workers[] = {&counters};
  const std::string text = write_metrics({}, workers, {}, 0);
  CHECK(has_line(text, "rpx_request_duration_seconds_bucket{le=\"0.0005\"} 2"));
  CHECK(has_line(text, "rpx_request_duration_seconds_bucket{le=\"0.001\"} 3"));
  CHECK(has_line(text, "rpx_request_duration_seconds_bucket{le=\"10\"} 4"));
  CHECK(has_line(text, "rpx_request_duration_seconds_bucket{le=\"+Inf\"} 5"));
  CHECK(has_line(text, "rpx_request_duration_seconds_count 5"));
}

TEST_CASE("metrics: names in labels are escaped", "[proxy]") {
  const UpstreamView upstream{"a\"b\\c\nd", "round_robin", {{.url = "http://x", .state = "up"}}};
  const std::string text = write_metrics({}, {}, {&upstream, 1}, 0);
  CHECK(has_line(text, R"(rpx_server_up{upstream="a\"b\\c\nd",server="http://x"} 1)"));
}

TEST_CASE("metrics: every family is announced once, before its samples", "[proxy]") {
  const UpstreamView upstream{"app", "round_robin", {{.url = "http://x", .state = "down"}, {.url = "http://y"}}};
  std::istringstream lines(write_metrics({}, {}, {&upstream, 1}, 0));
  std::set<std::string> announced;
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    if (line.starts_with("# TYPE ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      CHECK(announced.insert(family).second);
    } else if (!line.starts_with("# ")) {
      CHECK(line.starts_with(family));
      CHECK(line.starts_with("rpx_"));
    }
  }
  CHECK(announced.size() > 20);
}

}  // namespace
}  // namespace rpx::proxy
