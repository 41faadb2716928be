// A pool of servers as configured. config/ fills it, upstream/pool acts on it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "tls/options.h"
#include "upstream/health_options.h"

namespace rpx::upstream {

struct ServerOptions {
  std::string url;  ///< "http://host:port", "https://host:port" or "unix:path"; as configured, and the server's name in
                    ///< views and logs
  std::uint32_t weight = 1;           ///< 1–65535
  bool backup = false;                ///< used only when no other server can be
  std::uint32_t priority = 0;         ///< servers of a higher number are used only when none of a lower one can be
  std::uint32_t max_connections = 0;  ///< requests in progress at once, of all workers; 0 = no limit
  Duration resolve{};                 ///< each address of the name is a server; asked again after this; 0 = one server
  std::string srv;                    ///< service whose SRV records are the servers; empty = none
  std::string found_by;               ///< URL whose name led to this one, and is its name still; no key
  std::string source = "config";      ///< "config", "dns", "file", "control": who says that it is there; no key
  auto operator<=>(const ServerOptions&) const = default;
};

struct ConnectOptions {
  Duration timeout = std::chrono::seconds(2);  ///< to connect, TLS handshake included, per address
  std::uint32_t keepalive = 64;                ///< idle connections kept per worker and server
  Duration idle = std::chrono::seconds(60);    ///< how long one is kept idle
  std::uint32_t max_pending = 1000;            ///< requests that may wait where all servers have max_connections
  Duration queue = std::chrono::seconds(5);    ///< how long they wait
  auto operator<=>(const ConnectOptions&) const = default;
};

struct RetryOptions {
  std::uint32_t attempts = 2;  ///< further servers tried, 0–10
  std::vector<std::string> on{"connect", "timeout", "reset", "502", "503", "504"};
  std::vector<std::string> methods{"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
  double budget = 0.2;            ///< retries as a share of requests, 0–1; a floor of 10 a second is always allowed
  Duration backoff{};             ///< before the first further try, twice as long before each more; 0 = at once
  Duration retry_after{};         ///< the longest Retry-After of a server that is minded; 0 = none is
  bool idempotency_key = true;    ///< a request with an Idempotency-Key may be repeated whatever its method
  Size replay = Size{64} * 1024;  ///< the longest request body that is kept for another try
  auto operator<=>(const RetryOptions&) const = default;
};

/// When requests that fail take a server out for a while.
struct EjectOptions {
  std::uint32_t errors = 5;                     ///< failures in a row; 0 = not minded
  double failure_rate = 0;                      ///< share of failures over 10 s, 0–1; 0 = not minded
  std::uint32_t latency = 0;                    ///< times as slow as the median of its peers; 0 = not minded
  Duration lasting = std::chrono::seconds(10);  ///< the first time; twice as long each further time, to 5 min
  double max = 0.5;                             ///< share of the servers that may be out at once, 0–1
  auto operator<=>(const EjectOptions&) const = default;
};

/// When the circuit to a server opens: it gets no requests for a while, whatever others do.
struct BreakerOptions {
  double failure_rate = 0.5;                    ///< share of requests that fail or are late, 0–1; 0 = not minded
  Duration slow{};                              ///< replies that take longer are late; 0 = none is
  std::uint32_t requests = 20;                  ///< fewer say nothing
  Duration window = std::chrono::seconds(10);   ///< of counting them
  std::uint32_t pending = 0;                    ///< more requests than this at once open it too; 0 = not minded
  Duration lasting = std::chrono::seconds(10);  ///< how long it is open before requests try it
  std::uint32_t trials = 3;                     ///< that have to go well, one after the other, to close it
  auto operator<=>(const BreakerOptions&) const = default;
};

/// Reads that are slow are asked of a second server, and the first reply is taken.
struct HedgeOptions {
  Duration after = std::chrono::milliseconds(100);  ///< how long the first server has
  std::uint32_t percentile = 0;  ///< or, if that is longer, as long as so many of 100 replies take; 0 = not minded
  auto operator<=>(const HedgeOptions&) const = default;
};

/// Sessions that stay with the server that began them. One of cookie, learn and source says what a session is.
struct StickyOptions {
  std::string cookie;                        ///< name of a cookie of ours
  std::string learn;                         ///< name of a cookie that the servers set
  std::string source;                        ///< "ip": the client's address
  std::uint32_t entries = 100'000;           ///< sessions that are remembered, with learn and source
  Duration idle = std::chrono::minutes(30);  ///< and for how long without a request
  bool secure = true;                        ///< only sent back over https, where it was set over https
  std::string same_site = "lax";             ///< "lax", "strict", "none", or "off" for no word of it
  Duration ttl{};                            ///< how long it lasts; 0 = until the client ends
  std::string key_file;                      ///< what makes its words; empty = drawn at start
  auto operator<=>(const StickyOptions&) const = default;
};

struct UpstreamOptions {
  std::string name;
  std::vector<ServerOptions> servers;
  std::string servers_file;             ///< absolute path of a file with more servers; empty = none
  std::string balance = "round_robin";  ///< a row of balance/policies
  std::string hash;                     ///< template of what "hash" hashes; empty with other policies
  std::string host = "preserve";        ///< Host sent on: "preserve", "server", or a fixed name
  std::string protocol = "http/1.1";    ///< "http/1.1", "h2" and "auto" (by ALPN), "h2c" (by prior knowledge)
  std::uint32_t proxy_protocol = 0;     ///< version of the PROXY header that opens each connection; 0 = none
  Duration hold{};                      ///< how long requests wait for a server where none is well; 0 = they do not
  double panic = 0;                     ///< with a smaller share of servers well than this (0–1) all are used
  ConnectOptions connect;
  RetryOptions retry;
  tls::ClientOptions tls;                 ///< for servers whose URL begins with https
  std::optional<HealthOptions> health;    ///< active checks; absent = none
  std::optional<StickyOptions> sticky;    ///< absent = every request is balanced
  std::optional<EjectOptions> eject;      ///< absent = never
  std::optional<BreakerOptions> breaker;  ///< absent = circuits are always closed
  std::optional<HedgeOptions> hedge;      ///< absent = requests are asked of one server at a time
  auto operator<=>(const UpstreamOptions&) const = default;
};

}  // namespace rpx::upstream
