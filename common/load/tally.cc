#include "load/tally.h"

#include <algorithm>
#include <numeric>

namespace rpx::load {
namespace {

constexpr std::array<std::string_view, kFailures> kNames{"connect",  "tls",    "timeout", "reset",  "closed",
                                                         "protocol", "status", "header",  "length", "hash"};

}  // namespace

std::string_view name_of(Failure failure) noexcept { return kNames[static_cast<std::size_t>(failure)]; }

void Tally::fail(Failure failure, std::string_view detail) {
  const auto kind = static_cast<std::size_t>(failure);
  ++failures[kind];
  auto& kept = examples[kind];
  if (kept.size() < kExamples && std::ranges::find(kept, detail) == kept.end()) kept.emplace_back(detail);
}

std::uint64_t Tally::failed() const noexcept {
  return std::accumulate(failures.begin(), failures.end(), std::uint64_t{0});
}

void Tally::merge(const Tally& other) {
  latency.merge(other.latency);
  raw.merge(other.raw);
  lag.merge(other.lag);
  connect.merge(other.connect);
  requests += other.requests;
  sent += other.sent;
  bytes_in += other.bytes_in;
  bytes_out += other.bytes_out;
  resumed += other.resumed;
  unfinished += other.unfinished;
  unsent += other.unsent;
  out_of_ports += other.out_of_ports;
  cpu += other.cpu;
  for (std::size_t i = 0; i < classes.size(); ++i) classes[i] += other.classes[i];
  for (std::size_t kind = 0; kind < kFailures; ++kind) {
    failures[kind] += other.failures[kind];
    for (const std::string& one : other.examples[kind])
      if (examples[kind].size() < kExamples && std::ranges::find(examples[kind], one) == examples[kind].end())
        examples[kind].push_back(one);
  }
  series.resize(std::max(series.size(), other.series.size()));
  for (std::size_t i = 0; i < other.series.size(); ++i) {
    series[i].requests += other.series[i].requests;
    series[i].failures += other.series[i].failures;
    series[i].bytes += other.series[i].bytes;
    series[i].latency.merge(other.series[i].latency);
  }
}

}  // namespace rpx::load
