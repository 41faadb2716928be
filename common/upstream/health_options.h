// An active check as configured. config/ and rpx-check fill it, upstream/probe and upstream/health act on it.
// Plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/units.h"

namespace rpx::upstream {

struct HealthOptions {
  bool tcp = false;        ///< a connection that is accepted is enough
  bool tls = false;        ///< so is a TLS handshake with a certificate that is good
  bool grpc = false;       ///< the server is asked by grpc.health.v1, over HTTP/2
  std::string service;     ///< about this one of its services; empty = the server as a whole
  std::string path = "/";  ///< with its query
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> headers;  ///< sent with the probe; Host replaces the server's own
  Duration interval = std::chrono::seconds(2);               ///< between two probes; shorter while the state changes
  Duration timeout = std::chrono::seconds(1);                ///< for a whole probe
  std::uint32_t rise = 2;                                    ///< good probes in a row that make a server healthy
  std::uint32_t fall = 3;                                    ///< failed ones that make it unhealthy
  std::vector<std::string> status{"200-399"};                ///< "200", "200-399"
  std::string body;                                          ///< must be in the reply's first 64 KiB; empty = anything
  std::string initial = "up";                                ///< "up" or "down": what holds before the first probes
  std::uint32_t proxy_protocol = 0;                          ///< as its upstream has it; no key of a check
  std::string protocol = "http/1.1";                         ///< likewise
  Duration slow_start{};                                     ///< the weight rises over this long after a recovery
  auto operator<=>(const HealthOptions&) const = default;
};

/// Whether `text` is a status or a range of them, from 100 to 599.
bool is_status_range(std::string_view text) noexcept;
/// Whether `status` is in one of `ranges`.
bool status_matches(const std::vector<std::string>& ranges, std::uint16_t status) noexcept;

}  // namespace rpx::upstream
