// Plain snapshots of a running server for whoever shows them (control/, tools). Values only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "http/h2_watch.h"
#include "proxy/options.h"
#include "upstream/server_history.h"

namespace rpx::proxy {

struct ListenerView {
  std::string name;
  std::string address;  ///< really bound: "127.0.0.1:41234", "unix:/run/x.sock"
  bool tls = false;
  bool tcp = false;               ///< mode = "tcp"
  std::uint64_t connections = 0;  ///< open now
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;         ///< over its max_connections
  std::uint64_t bytes_received = 0;  ///< of connections that were passed on unread
  std::uint64_t bytes_sent = 0;
};

/// Bodies that went through one content coding.
struct CodingView {
  std::string coding;
  std::uint64_t bodies = 0;
  std::uint64_t plain_bytes = 0;  ///< before
  std::uint64_t coded_bytes = 0;  ///< after
  double seconds = 0;             ///< of the workers' time
};

/// Sums over all workers since the start.
struct Counters {
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;  ///< over max_connections or connections_per_client
  std::uint64_t denied = 0;               ///< requests that access rules refused
  std::uint64_t banned = 0;               ///< clients, by rules
  std::uint64_t unauthorized = 0;         ///< requests of clients who did not prove who they are
  std::uint64_t key_fetches = 0;          ///< of the keys that tokens are verified with
  std::uint64_t key_fetch_failures = 0;
  std::uint64_t limited = 0;    ///< requests over a rate limit, dry runs included
  std::uint64_t blocked = 0;    ///< connections and requests the blocklist refused
  std::uint64_t shed = 0;       ///< connections closed to make room for others
  std::uint64_t half_open = 0;  ///< connections whose request has not come yet
  double lag_s = 0;             ///< what connections wait for a worker, the longest of all workers
  std::uint64_t requests = 0;
  std::uint64_t responses[6] = {};   ///< by status class: [1] 1xx … [5] 5xx; [0] none was sent
  std::uint64_t bytes_received = 0;  ///< from clients
  std::uint64_t bytes_sent = 0;      ///< to clients
  std::uint64_t retries = 0;         ///< tries beyond the first
  std::uint64_t stale_leases = 0;    ///< kept connections that turned out closed
  std::uint64_t mirrored = 0;        ///< copies of requests that were answered
  std::uint64_t mirror_failed = 0;   ///< and that were not
  std::uint64_t mirror_dropped = 0;  ///< and that were not sent
  std::uint64_t hedges = 0;          ///< further tries of requests whose first was slow
  std::uint64_t hedges_won = 0;      ///< and was overtaken
  std::uint64_t upstream_connects = 0;
  std::uint64_t upgrades = 0;
  std::uint64_t parse_errors = 0;
  std::vector<CodingView> encoded;  ///< replies that were compressed, one for each coding
  std::vector<CodingView> decoded;  ///< replies that were decompressed
  std::vector<CodingView> encoded_requests;
  std::vector<CodingView> decoded_requests;
  std::uint64_t tcp_connections = 0;                       ///< to listeners with mode = "tcp"
  std::uint64_t h2_connections = 0;                        ///< of clients, on which HTTP/2 was spoken
  std::uint64_t h2_requests = 0;                           ///< over them
  std::array<std::uint64_t, http::kH2Floods> h2_floods{};  ///< ended for a flood, by http::H2Flood
  std::uint64_t tls_handshakes = 0;                        ///< with clients
  std::uint64_t tls_resumed = 0;                           ///< of those, with a session of before
  std::uint64_t tls_failed = 0;
  std::uint64_t tls_on_plain = 0;  ///< connections that began TLS where there is none
};

struct StatusView {
  WallTime started;
  std::uint64_t generation = 1;  ///< counts reloads that took effect, from 1
  std::uint32_t workers = 0;
  std::uint64_t connections = 0;  ///< open now
  std::uint64_t exchanges = 0;    ///< in progress now
  bool draining = false;
  std::uint64_t certificates_unusable = 0;
  Counters counters;
  std::vector<ListenerView> listeners;
};

struct ServerView {
  std::string url;
  std::string state;  ///< "up", "down", "ejected", "open" (its circuit); "drain" or "maint" while an operator says so
  std::string why;    ///< why it is not up; empty, or the last failure
  std::uint32_t weight = 1;
  std::uint32_t share = 100;    ///< percent of its weight that counts now: less while it starts slowly
  double until_s = 0;           ///< seconds until drain, maint, ejected or open end by themselves; 0 = they do not
  std::uint64_t ejections = 0;  ///< so far
  std::uint64_t circuit_opened = 0;
  bool checked = false;  ///< there are active checks, of which the following tells
  bool healthy = true;
  std::uint64_t checks = 0;
  std::uint64_t checks_failed = 0;
  std::uint64_t changes = 0;  ///< of its health
  std::string last_check;     ///< the last one in words; empty before it
  WallTime last_check_at{};
  double last_check_s = 0;  ///< how long it took
  bool backup = false;
  std::uint32_t priority = 0;
  std::string source;    ///< who says that it is there: "config", "dns", "file", "control"
  std::string found_by;  ///< with "dns": the URL whose name led to it
  std::vector<std::string> addresses;
  std::uint64_t active = 0;  ///< exchanges in progress
  std::uint64_t idle = 0;    ///< kept connections
  std::uint64_t requests = 0;
  std::uint64_t failures = 0;
  std::uint64_t passed_to = 0;  ///< bytes of connections that were passed on unread
  std::uint64_t passed_from = 0;
};

/// What became of one server, the oldest first.
struct HistoryView {
  std::vector<upstream::ServerMoment> changes;
  std::vector<upstream::ServerCheck> checks;
};

struct UpstreamView {
  std::string name;
  std::string balance;
  std::vector<ServerView> servers;
  std::optional<std::uint64_t> sessions = {};  ///< remembered; absent where none are
};

struct ConnectionView {
  std::uint64_t id = 0;
  std::uint32_t worker = 0;
  std::string client;
  std::string listener;
  double age_s = 0;
  std::uint64_t requests = 0;
  std::string state;   ///< "idle", "reading", "waiting", "sending", "tunnel"
  std::string method;  ///< of the exchange in progress; empty when idle
  std::string target;
  std::string route;
  std::string server;
  double exchange_s = 0;  ///< how long it has been going
};

}  // namespace rpx::proxy
