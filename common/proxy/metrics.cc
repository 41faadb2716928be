#include "proxy/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "http/coding.h"

namespace rpx::proxy {
namespace {

// Prometheus escapes three characters in label values.
std::string label(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

class Text {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(std::back_inserter(out_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  template <class Number>
  void sample(std::string_view name, std::string_view labels, Number value) {
    if (labels.empty())
      fmt::format_to(std::back_inserter(out_), "{} {}\n", name, value);
    else
      fmt::format_to(std::back_inserter(out_), "{}{{{}}} {}\n", name, labels, value);
  }
  template <class Number>
  void one(std::string_view name, std::string_view type, std::string_view help, Number value) {
    family(name, type, help);
    sample(name, {}, value);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

void write_durations(Text& text, std::string_view name, std::string_view help,
                     std::span<const WorkerCounters* const> workers, Durations WorkerCounters::* which) {
  text.family(name, "histogram", help);
  std::uint64_t below = 0;
  for (std::size_t bucket = 0; bucket <= kLatencyBounds.size(); ++bucket) {
    for (const WorkerCounters* worker : workers) below += (worker->*which).buckets[bucket].read();
    const std::string bound =
        bucket == kLatencyBounds.size() ? "+Inf" : fmt::format("{}", static_cast<double>(kLatencyBounds[bucket]) / 1e6);
    text.sample(fmt::format("{}_bucket", name), fmt::format("le=\"{}\"", bound), below);
  }
  std::uint64_t sum = 0;
  for (const WorkerCounters* worker : workers) sum += (worker->*which).sum_us.read();
  text.sample(fmt::format("{}_sum", name), {}, static_cast<double>(sum) / 1e6);
  text.sample(fmt::format("{}_count", name), {}, below);
}

void write_upstreams(Text& text, std::span<const UpstreamView> upstreams) {
  const auto each = [&](std::string_view name, std::string_view type, std::string_view help, auto value_of) {
    text.family(name, type, help);
    for (const UpstreamView& upstream : upstreams)
      for (const ServerView& server : upstream.servers)
        text.sample(name, fmt::format("upstream=\"{}\",server=\"{}\"", label(upstream.name), label(server.url)),
                    value_of(server));
  };
  each("rpx_server_up", "gauge", "1 when requests may go to the server.",
       [](const ServerView& s) { return s.state == "up" ? 1 : 0; });
  each("rpx_server_healthy", "gauge", "1 unless active checks say otherwise.",
       [](const ServerView& s) { return s.healthy ? 1 : 0; });
  each("rpx_server_taken_out", "gauge", "1 while an operator has it drained or in maintenance.",
       [](const ServerView& s) { return s.state == "drain" || s.state == "maint" ? 1 : 0; });
  each("rpx_server_ejected", "gauge", "1 while failing requests keep others away from it.",
       [](const ServerView& s) { return s.state == "ejected" ? 1 : 0; });
  each("rpx_server_ejections_total", "counter", "Times that failing requests took it out.",
       [](const ServerView& s) { return s.ejections; });
  each("rpx_server_circuit_open", "gauge", "1 while its circuit breaker keeps requests away from it.",
       [](const ServerView& s) { return s.state == "open" ? 1 : 0; });
  each("rpx_server_circuit_opened_total", "counter", "Times that its circuit breaker opened.",
       [](const ServerView& s) { return s.circuit_opened; });
  each("rpx_server_weight", "gauge", "Its weight now, less while it starts slowly.",
       [](const ServerView& s) { return static_cast<double>(s.weight) * s.share / 100; });
  each("rpx_server_checks_total", "counter", "Active checks made.", [](const ServerView& s) { return s.checks; });
  each("rpx_server_checks_failed_total", "counter", "Active checks that failed.",
       [](const ServerView& s) { return s.checks_failed; });
  each("rpx_server_health_changes_total", "counter", "Times that active checks changed their mind.",
       [](const ServerView& s) { return s.changes; });
  each("rpx_server_requests_total", "counter", "Requests sent to the server, retries included.",
       [](const ServerView& s) { return s.requests; });
  each("rpx_server_failures_total", "counter", "Tries that the server failed.",
       [](const ServerView& s) { return s.failures; });
  each("rpx_server_passed_sent_bytes_total", "counter",
       "Bytes to the server of connections that were passed on unread.",
       [](const ServerView& s) { return s.passed_to; });
  each("rpx_server_passed_received_bytes_total", "counter", "Bytes from it on such connections.",
       [](const ServerView& s) { return s.passed_from; });
  each("rpx_server_active", "gauge", "Connections to the server in use.", [](const ServerView& s) { return s.active; });
  each("rpx_server_idle", "gauge", "Connections to the server kept for reuse.",
       [](const ServerView& s) { return s.idle; });
}

void write_listeners(Text& text, const std::vector<ListenerView>& listeners) {
  const auto each = [&](std::string_view name, std::string_view type, std::string_view help, auto value_of) {
    text.family(name, type, help);
    for (const ListenerView& listener : listeners)
      text.sample(name, fmt::format("listener=\"{}\"", label(listener.name)), value_of(listener));
  };
  each("rpx_listener_connections", "gauge", "Open connections of the listener's clients.",
       [](const ListenerView& l) { return l.connections; });
  each("rpx_listener_accepted_total", "counter", "Connections that the listener accepted.",
       [](const ListenerView& l) { return l.accepted; });
  each("rpx_listener_refused_total", "counter", "Connections over the listener's max_connections.",
       [](const ListenerView& l) { return l.refused; });
  each("rpx_listener_passed_received_bytes_total", "counter", "Bytes from clients whose connections were passed on.",
       [](const ListenerView& l) { return l.bytes_received; });
  each("rpx_listener_passed_sent_bytes_total", "counter", "Bytes to clients whose connections were passed on.",
       [](const ListenerView& l) { return l.bytes_sent; });
}

void write_sessions(Text& text, std::span<const UpstreamView> upstreams) {
  if (std::ranges::none_of(upstreams, [](const UpstreamView& one) { return one.sessions.has_value(); })) return;
  text.family("rpx_upstream_sessions", "gauge", "Sessions whose server is remembered.");
  for (const UpstreamView& upstream : upstreams)
    if (upstream.sessions)
      text.sample("rpx_upstream_sessions", fmt::format("upstream=\"{}\"", label(upstream.name)), *upstream.sessions);
}

void write_protection(Text& text, const Counters& counters) {
  text.one("rpx_connections_shed_total", "counter", "Client connections closed to make room for others.",
           counters.shed);
  text.one("rpx_connections_half_open", "gauge", "Client connections whose request has not come yet.",
           counters.half_open);
  text.one("rpx_worker_lag_seconds", "gauge", "What a connection waits for its turn, the longest of all workers.",
           counters.lag_s);
  text.one("rpx_blocked_total", "counter", "Connections and requests that the blocklist refused.", counters.blocked);
  text.one("rpx_denied_total", "counter", "Requests that access rules refused.", counters.denied);
  text.one("rpx_banned_total", "counter", "Clients banned by rules.", counters.banned);
  text.one("rpx_unauthorized_total", "counter", "Requests of clients who did not prove who they are.",
           counters.unauthorized);
  text.one("rpx_key_fetches_total", "counter", "Fetches of the keys that tokens are verified with.",
           counters.key_fetches);
  text.one("rpx_key_fetch_failures_total", "counter", "Those of them that failed.", counters.key_fetch_failures);
  text.one("rpx_rate_limited_total", "counter", "Requests over a rate limit, dry runs included.", counters.limited);
}

// `did`: encoded or decoded. `what`: replies or requests.
void write_codings(Text& text, std::string_view did, std::string_view what, const std::vector<CodingView>& codings) {
  const auto each = [&](const std::string& name, const std::string& help, auto value_of) {
    text.family(name, "counter", help);
    for (const CodingView& coding : codings)
      text.sample(name, fmt::format("coding=\"{}\"", coding.coding), value_of(coding));
  };
  // The first of these families came without "replies" in its names of bytes, and keeps them.
  const std::string stem = did == "encoded" && what == "replies" ? "rpx_encoded" : fmt::format("rpx_{}_{}", did, what);
  each(fmt::format("rpx_{}_{}_total", did, what), fmt::format("Bodies of {} {}.", what, did),
       [](const CodingView& c) { return c.bodies; });
  each(stem + "_plain_bytes_total", "Bytes of those bodies without the coding.",
       [](const CodingView& c) { return c.plain_bytes; });
  each(stem + "_coded_bytes_total", "Bytes of those bodies in the coding.",
       [](const CodingView& c) { return c.coded_bytes; });
  each(stem + "_seconds_total", "Time that workers spent on it.", [](const CodingView& c) { return c.seconds; });
}

// Requests that were sent more than once on purpose.
void write_copies(Text& text, const Counters& counters) {
  text.one("rpx_mirrored_total", "counter", "Copies of requests that a mirror answered.", counters.mirrored);
  text.one("rpx_mirror_failed_total", "counter", "Copies of requests that a mirror did not answer in time.",
           counters.mirror_failed);
  text.one("rpx_mirror_dropped_total", "counter",
           "Copies that were not sent: the mirror was behind, the body too long or cut short.",
           counters.mirror_dropped);
  text.one("rpx_hedges_total", "counter", "Requests sent to a second server as the first was slow.", counters.hedges);
  text.one("rpx_hedges_won_total", "counter", "Of these, those that the second server answered first.",
           counters.hedges_won);
}

void describe_health(const upstream::Server& server, ServerView& view) {
  const upstream::ServerState& state = server.state();
  const Instant now = std::chrono::steady_clock::now();
  view.weight = state.weight();
  view.share = state.share(now) / state.weight();
  if (state.admin_until() != Instant::max())
    view.until_s = std::max(0.0, std::chrono::duration<double>(state.admin_until() - now).count());
  upstream::HealthFacts facts = state.facts();
  view.checked = facts.checked;
  view.healthy = state.healthy();
  view.checks = facts.checks;
  view.checks_failed = facts.failed;
  view.changes = facts.changes;
  view.last_check = std::move(facts.why);
  view.last_check_at = facts.last;
  view.last_check_s = std::chrono::duration<double>(facts.took).count();
}

std::vector<CodingView> sum_codings(std::span<const WorkerCounters* const> workers,
                                    std::array<CodingCounters, 4> WorkerCounters::* member) {
  std::vector<CodingView> out;
  for (const http::Coding coding : http::kCodings) {
    CodingView& view = out.emplace_back(CodingView{.coding = std::string(http::name_of(coding))});
    for (const WorkerCounters* worker : workers) {
      const CodingCounters& counters = (worker->*member)[static_cast<std::size_t>(coding)];
      view.bodies += counters.bodies.read();
      view.plain_bytes += counters.plain_bytes.read();
      view.coded_bytes += counters.coded_bytes.read();
      view.seconds += static_cast<double>(counters.nanoseconds.read()) * 1e-9;
    }
  }
  return out;
}

}  // namespace

Counters sum_counters(std::span<const WorkerCounters* const> workers) {
  Counters out;
  out.encoded = sum_codings(workers, &WorkerCounters::encoded);
  out.decoded = sum_codings(workers, &WorkerCounters::decoded);
  out.encoded_requests = sum_codings(workers, &WorkerCounters::encoded_requests);
  out.decoded_requests = sum_codings(workers, &WorkerCounters::decoded_requests);
  for (const WorkerCounters* worker : workers) {
    out.connections_accepted += worker->accepted.read();
    out.connections_refused += worker->refused.read();
    out.shed += worker->shed.read();
    out.blocked += worker->blocked.read();
    out.denied += worker->denied.read();
    out.banned += worker->banned.read();
    out.unauthorized += worker->unauthorized.read();
    out.limited += worker->limited.read();
    out.key_fetches += worker->key_fetches.read();
    out.key_fetch_failures += worker->key_fetch_failures.read();
    out.requests += worker->requests.read();
    for (std::size_t i = 0; i < worker->responses.size(); ++i) out.responses[i] += worker->responses[i].read();
    out.bytes_received += worker->bytes_received.read();
    out.bytes_sent += worker->bytes_sent.read();
    out.retries += worker->retries.read();
    out.stale_leases += worker->stale_leases.read();
    out.mirrored += worker->mirrored.read();
    out.mirror_failed += worker->mirror_failed.read();
    out.mirror_dropped += worker->mirror_dropped.read();
    out.hedges += worker->hedges.read();
    out.hedges_won += worker->hedges_won.read();
    out.upgrades += worker->upgrades.read();
    out.parse_errors += worker->parse_errors.read();
    out.tcp_connections += worker->tcp_connections.read();
    out.h2_connections += worker->h2_connections.read();
    out.h2_requests += worker->h2_requests.read();
    for (std::size_t i = 0; i < http::kH2Floods; ++i) out.h2_floods[i] += worker->h2_floods[i].read();
    out.tls_handshakes += worker->tls_handshakes.read();
    out.tls_resumed += worker->tls_resumed.read();
    out.tls_failed += worker->tls_failed.read();
    out.tls_on_plain += worker->tls_on_plain.read();
  }
  return out;
}

std::vector<UpstreamView> view_upstreams(const Site& site, std::size_t workers) {
  std::vector<UpstreamView> out;
  for (const Upstream& upstream : site.upstreams()) {
    UpstreamView view{upstream.options->name, upstream.options->balance, {}};
    if (upstream.sticky && upstream.sticky->table) view.sessions = upstream.sticky->table->size();
    for (const auto& server : upstream.servers) {
      ServerView one;
      one.url = server->url();
      std::string error;
      for (const Address& address : server->addresses(&error)) one.addresses.push_back(address.to_string());
      const auto avoided = server->counters().down_workers.load(std::memory_order_relaxed);
      describe_health(*server, one);
      const bool down = one.addresses.empty() || avoided >= static_cast<std::int32_t>(workers) || !one.healthy;
      one.state = down ? "down" : "up";
      if (down) one.why = one.addresses.empty() ? "does not resolve: " + error : server->last_failure();
      if (!one.healthy) one.why = one.last_check;
      one.ejections = server->ejection().count();
      if (!down && server->state().is_ejected()) {
        one.state = "ejected";
        one.why = server->ejection().why();
        const Duration left = server->ejection().until() - std::chrono::steady_clock::now();
        one.until_s = std::max(0.0, std::chrono::duration<double>(left).count());
      }
      one.circuit_opened = server->breaker().count();
      if (!down && server->state().is_open()) {
        one.state = "open";
        one.why = server->breaker().why();
        const Duration left = server->breaker().until() - std::chrono::steady_clock::now();
        one.until_s = std::max(0.0, std::chrono::duration<double>(left).count());
      }
      const upstream::Admin admin = server->state().admin();
      if (admin != upstream::Admin::kReady) one.state = upstream::name_of(admin);
      one.backup = server->options().backup;
      one.priority = server->options().priority;
      one.source = server->options().source;
      one.found_by = server->options().found_by;
      one.active = static_cast<std::uint64_t>(
          std::max<std::int64_t>(0, server->counters().active.load(std::memory_order_relaxed)));
      one.idle = static_cast<std::uint64_t>(
          std::max<std::int64_t>(0, server->counters().idle.load(std::memory_order_relaxed)));
      one.requests = server->counters().requests.load(std::memory_order_relaxed);
      one.failures = server->counters().failures.load(std::memory_order_relaxed);
      one.passed_to = server->counters().passed_to.load(std::memory_order_relaxed);
      one.passed_from = server->counters().passed_from.load(std::memory_order_relaxed);
      view.servers.push_back(std::move(one));
    }
    out.push_back(std::move(view));
  }
  return out;
}

namespace {

void write_process(Text& text, const StatusView& status) {
  text.family("rpx_build_info", "gauge", "Always 1; the version is a label.");
  text.sample("rpx_build_info", "version=\"" RPX_VERSION "\"", 1);
  text.one("rpx_start_time_seconds", "gauge", "When the proxy started, in seconds since 1970.",
           std::chrono::duration<double>(status.started.time_since_epoch()).count());
  text.one("rpx_config_generation", "gauge", "Configurations taken up so far.", status.generation);
  text.one("rpx_workers", "gauge", "Event-loop threads.", status.workers);
}

void write_tls(Text& text, const Counters& counters) {
  text.one("rpx_tls_handshakes_total", "counter", "TLS handshakes with clients.", counters.tls_handshakes);
  text.one("rpx_tls_resumed_total", "counter", "TLS handshakes that resumed a session.", counters.tls_resumed);
  text.one("rpx_tls_failed_total", "counter", "TLS handshakes with clients that failed.", counters.tls_failed);
  text.one("rpx_tls_on_plain_total", "counter", "TLS handshakes begun where there is no TLS.", counters.tls_on_plain);
}

}  // namespace

std::string write_metrics(const StatusView& status, std::span<const WorkerCounters* const> workers,
                          std::span<const UpstreamView> upstreams, std::uint64_t dropped_lines) {
  Text text;
  const Counters& counters = status.counters;
  write_process(text, status);
  text.one("rpx_connections", "gauge", "Open client connections.", status.connections);
  text.one("rpx_connections_accepted_total", "counter", "Client connections accepted.", counters.connections_accepted);
  text.one("rpx_connections_refused_total", "counter", "Client connections refused for being too many.",
           counters.connections_refused);
  write_protection(text, counters);
  text.one("rpx_exchanges", "gauge", "Exchanges in progress.", status.exchanges);
  text.one("rpx_requests_total", "counter", "Requests received.", counters.requests);
  text.family("rpx_responses_total", "counter", "Replies by status class; class \"none\" got no reply.");
  for (std::size_t i = 0; i < 6; ++i)
    text.sample("rpx_responses_total", i == 0 ? std::string("class=\"none\"") : fmt::format("class=\"{}xx\"", i),
                counters.responses[i]);
  text.one("rpx_received_bytes_total", "counter", "Bytes of requests received from clients.", counters.bytes_received);
  text.one("rpx_sent_bytes_total", "counter", "Bytes sent to clients.", counters.bytes_sent);
  text.one("rpx_retries_total", "counter", "Requests sent again to another server.", counters.retries);
  text.one("rpx_stale_leases_total", "counter", "Kept connections that turned out closed and were replaced.",
           counters.stale_leases);
  write_copies(text, counters);
  text.one("rpx_upstream_connects_total", "counter", "Connections made to servers.", counters.upstream_connects);
  text.one("rpx_upgrades_total", "counter", "Connections that switched protocols.", counters.upgrades);
  text.one("rpx_parse_errors_total", "counter", "Requests refused for their syntax.", counters.parse_errors);
  text.one("rpx_tcp_connections_total", "counter", "Connections to listeners that pass bytes on as they are.",
           counters.tcp_connections);
  text.one("rpx_h2_connections_total", "counter", "Connections of clients that spoke HTTP/2.", counters.h2_connections);
  text.one("rpx_h2_requests_total", "counter", "Requests that came over HTTP/2.", counters.h2_requests);
  text.family("rpx_h2_floods_total", "counter",
              "Connections ended for a flood over HTTP/2, by what they were flooded with.");
  for (std::size_t i = 0; i < http::kH2Floods; ++i)
    text.sample("rpx_h2_floods_total", fmt::format("kind=\"{}\"", http::name_of(static_cast<http::H2Flood>(i))),
                counters.h2_floods[i]);
  write_tls(text, counters);
  text.one("rpx_certificates_unusable", "gauge", "Certificates of the configuration that could not be read.",
           status.certificates_unusable);
  text.one("rpx_access_log_dropped_lines_total", "counter", "Access-log lines that could not be written.",
           dropped_lines);
  write_codings(text, "encoded", "replies", counters.encoded);
  write_codings(text, "decoded", "replies", counters.decoded);
  write_codings(text, "encoded", "requests", counters.encoded_requests);
  write_codings(text, "decoded", "requests", counters.decoded_requests);
  write_durations(text, "rpx_request_duration_seconds", "Time from a request's head to the end of its reply.", workers,
                  &WorkerCounters::latency);
  write_durations(text, "rpx_server_first_byte_seconds",
                  "Time from a request sent to a server to the head of its reply.", workers, &WorkerCounters::servers);
  write_listeners(text, status.listeners);
  write_upstreams(text, upstreams);
  write_sessions(text, upstreams);
  return text.take();
}

std::string write_fault_metrics(std::span<const std::shared_ptr<policy::Fault>> faults) {
  Text text;
  if (faults.empty()) return {};
  const auto each = [&](std::string_view name, std::string_view help, auto value_of) {
    text.family(name, "counter", help);
    for (const auto& fault : faults)
      text.sample(name, fmt::format("fault=\"{}\"", label(fault->configured().name)), value_of(*fault));
  };
  each("rpx_fault_requests_total", "Requests of the routes that name the fault.",
       [](const policy::Fault& fault) { return fault.requests(); });
  each("rpx_fault_hits_total", "Those of them to which something was done.",
       [](const policy::Fault& fault) { return fault.hits(); });
  return text.take();
}

}  // namespace rpx::proxy
