// What one worker counts. Written by that worker alone, read by anybody: relaxed atomics, so that counting
// costs a plain add.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/units.h"
#include "http/h2_watch.h"

namespace rpx::proxy {

/// A counter with one writer.
class Count {
 public:
  void add(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void sub(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  std::uint64_t read() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Upper bounds of the latency buckets, in microseconds; the last bucket has none.
inline constexpr std::array<std::uint64_t, 14> kLatencyBounds{
    500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};

/// How long things took, in the buckets of kLatencyBounds.
struct Durations {
  std::array<Count, kLatencyBounds.size() + 1> buckets;
  Count sum_us;

  void add(Duration took) noexcept {
    const auto us = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
    std::size_t bucket = 0;
    while (bucket < kLatencyBounds.size() && us > kLatencyBounds[bucket]) ++bucket;
    buckets[bucket].add();
    sum_us.add(us);
  }
};

/// Bodies that went out in one coding.
struct CodingCounters {
  Count bodies;
  Count plain_bytes;  ///< before
  Count coded_bytes;  ///< after
  Count nanoseconds;  ///< that it took
};

struct WorkerCounters {
  Count accepted;
  Count refused;
  Count shed;          ///< closed to make room for others
  Count blocked;       ///< connections and requests
  Count denied;        ///< requests, by access rules
  Count banned;        ///< clients, by rules
  Count unauthorized;  ///< requests, of clients who did not prove who they are
  Count key_fetches;   ///< of the keys that tokens are verified with
  Count key_fetch_failures;
  Count limited;      ///< requests that were over a rate limit, dry runs included
  Count connections;  ///< open now
  Count exchanges;    ///< in progress now
  Count requests;
  std::array<Count, 6> responses;
  Count bytes_received;
  Count bytes_sent;
  Count retries;
  Count stale_leases;
  Count mirrored;        ///< copies of requests that were answered
  Count mirror_failed;   ///< and that were not
  Count mirror_dropped;  ///< and that were not sent: too many, too large, or cut short
  Count hedges;          ///< further tries of requests whose first was slow
  Count hedges_won;      ///< and was overtaken
  Count upgrades;
  Count parse_errors;
  std::array<CodingCounters, 4> encoded;           ///< replies, by http::Coding
  std::array<CodingCounters, 4> decoded;           ///< replies, for clients that do not take the server's coding
  std::array<CodingCounters, 4> encoded_requests;  ///< towards servers
  std::array<CodingCounters, 4> decoded_requests;  ///< for servers
  Count tcp_connections;                           ///< of listeners with mode = "tcp"
  Count h2_connections;
  Count h2_requests;
  std::array<Count, http::kH2Floods> h2_floods;  ///< connections ended for one, by http::H2Flood
  Count tls_handshakes;
  Count tls_resumed;
  Count tls_failed;
  Count tls_on_plain;  ///< connections that began TLS where there is none
  Durations latency;   ///< of requests, from head to the end of the reply
  Durations servers;   ///< of servers, from the request sent to the reply's head; the last try of each request
};

}  // namespace rpx::proxy
