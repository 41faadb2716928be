#include "control/views.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

namespace rpx::control {

namespace {

void write_codings(Json& json, std::string_view name, std::string_view what,
                   const std::vector<proxy::CodingView>& codings) {
  json.key(name).open_object();
  for (const proxy::CodingView& coding : codings)
    json.key(coding.coding)
        .open_object()
        .member(what, coding.bodies)
        .member("plain_bytes", coding.plain_bytes)
        .member("coded_bytes", coding.coded_bytes)
        .member("seconds", coding.seconds)
        .close_object();
  json.close_object();
}

void write_counters(Json& json, const proxy::Counters& counters) {
  json.member("connections_accepted", counters.connections_accepted)
      .member("connections_refused", counters.connections_refused)
      .member("connections_shed", counters.shed)
      .member("connections_half_open", counters.half_open)
      .member("lag_s", counters.lag_s)
      .member("blocked", counters.blocked)
      .member("denied", counters.denied)
      .member("banned", counters.banned)
      .member("unauthorized", counters.unauthorized)
      .member("limited", counters.limited)
      .member("requests", counters.requests);
  json.key("responses").open_object();
  for (std::size_t i = 0; i < std::size(counters.responses); ++i) {
    json.member(i == 0 ? "none" : fmt::format("{}xx", i), counters.responses[i]);
  }
  json.close_object();
  json.member("bytes_received", counters.bytes_received)
      .member("bytes_sent", counters.bytes_sent)
      .member("retries", counters.retries)
      .member("stale_leases", counters.stale_leases)
      .member("hedges", counters.hedges)
      .member("hedges_won", counters.hedges_won)
      .member("mirrored", counters.mirrored)
      .member("mirror_failed", counters.mirror_failed)
      .member("mirror_dropped", counters.mirror_dropped)
      .member("upstream_connects", counters.upstream_connects)
      .member("upgrades", counters.upgrades)
      .member("tcp_connections", counters.tcp_connections)
      .member("parse_errors", counters.parse_errors);
  write_codings(json, "compressed", "replies", counters.encoded);
  write_codings(json, "decompressed", "replies", counters.decoded);
  write_codings(json, "compressed_requests", "requests", counters.encoded_requests);
  write_codings(json, "decompressed_requests", "requests", counters.decoded_requests);
}

void write_text_or_null(Json& json, std::string_view name, const std::string& text) {
  json.key(name);
  text.empty() ? json.null() : json.value(std::string_view(text));
}

}  // namespace

void write_listener(Json& json, const proxy::ListenerView& listener) {
  json.open_object()
      .member("name", listener.name)
      .member("address", listener.address)
      .member("tls", listener.tls)
      .member("mode", listener.tcp ? "tcp" : "http")
      .close_object();
}

void write_route(Json& json, const proxy::RouteOptions& route) {
  json.open_object().member("name", route.name).member("host", route.host).member("path", route.path);
  json.member("methods", route.methods).key("header").open_object();
  for (const auto& [name, value] : route.header) json.member(name, value);
  json.close_object();
  if (route.respond) {
    json.member("action", "respond").key("to").null().member("status", route.respond->status);
  } else if (route.redirect) {
    json.member("action", "redirect").member("to", route.redirect->to).member("status", route.redirect->status);
  } else {
    std::string to = route.upstream;
    for (const auto& [upstream, weight] : route.split)
      to += fmt::format("{}{}={}", to.empty() ? "" : " ", upstream, weight);
    json.member("action", route.split.empty() ? "upstream" : "split").member("to", to).key("status").null();
  }
  write_text_or_null(json, "file", route.origin.file);
  json.key("line");
  route.origin.line == 0 ? json.null() : json.value(route.origin.line);
  json.close_object();
}

void write_server(Json& json, const proxy::ServerView& server) {
  json.open_object()
      .member("url", server.url)
      .member("state", server.state)
      .member("why", server.why)
      .member("weight", server.weight)
      .member("share", server.share / 100.0)
      .member("backup", server.backup)
      .member("priority", server.priority)
      .member("source", server.source)
      .member("until_s", server.until_s)
      .member("ejections", server.ejections)
      .member("circuit_opened", server.circuit_opened)
      .member("addresses", server.addresses)
      .member("active", server.active)
      .member("idle", server.idle)
      .member("requests", server.requests)
      .member("failures", server.failures)
      .key("health");
  if (!server.checked) {
    json.null().close_object();
    return;
  }
  json.open_object().member("healthy", server.healthy).member("checks", server.checks);
  json.member("failed", server.checks_failed).member("changes", server.changes);
  write_text_or_null(json, "last", server.last_check);
  write_text_or_null(json, "at", server.checks == 0 ? std::string() : format_rfc3339(server.last_check_at));
  json.member("took", server.last_check_s).close_object().close_object();
}

void write_upstream(Json& json, const proxy::UpstreamView& upstream) {
  json.open_object().member("name", upstream.name).member("balance", upstream.balance).key("servers").open_array();
  for (const proxy::ServerView& server : upstream.servers) write_server(json, server);
  json.close_array().close_object();
}

void write_history(Json& json, const proxy::HistoryView& history) {
  const auto in_seconds = [](Duration span) { return std::chrono::duration<double>(span).count(); };
  json.open_object().key("changes").open_array();
  for (const upstream::ServerMoment& moment : history.changes)
    json.open_object()
        .member("time", format_rfc3339(moment.at))
        .member("state", moment.state)
        .member("why", moment.why)
        .close_object();
  json.close_array().key("checks").open_array();
  for (const upstream::ServerCheck& check : history.checks) {
    json.open_object().member("time", format_rfc3339(check.at)).member("good", check.good).member("why", check.why);
    json.member("address", check.address).key("status");
    check.status == 0 ? json.null() : json.value(check.status);
    write_text_or_null(json, "first_bytes", check.first_bytes);
    json.member("connect_s", in_seconds(check.connect))
        .member("first_byte_s", in_seconds(check.first_byte))
        .member("took_s", in_seconds(check.total))
        .close_object();
  }
  json.close_array().close_object();
}

void write_connection(Json& json, const proxy::ConnectionView& connection) {
  json.open_object()
      .member("id", connection.id)
      .member("worker", connection.worker)
      .member("client", connection.client)
      .member("listener", connection.listener)
      .member("age_s", connection.age_s)
      .member("requests", connection.requests)
      .member("state", connection.state);
  write_text_or_null(json, "method", connection.method);
  write_text_or_null(json, "target", connection.target);
  write_text_or_null(json, "route", connection.route);
  write_text_or_null(json, "server", connection.server);
  json.member("exchange_s", connection.exchange_s).close_object();
}

void write_status(Json& json, const Identity& identity, const proxy::StatusView& status, WallTime now,
                  std::uint64_t memory_bytes) {
  const double uptime_s = std::chrono::duration<double>(now - status.started).count();
  json.open_object().member("version", identity.version).member("pid", identity.pid);
  json.member("started", format_rfc3339(status.started)).member("uptime", uptime_s);
  write_text_or_null(json, "config", identity.config);
  json.member("generation", status.generation);
  write_text_or_null(json, "control", identity.control);
  write_text_or_null(json, "admin", identity.admin);
  json.member("draining", status.draining).member("workers", status.workers).key("listeners").open_array();
  for (const proxy::ListenerView& listener : status.listeners) write_listener(json, listener);
  json.close_array().member("connections", status.connections).member("exchanges", status.exchanges);
  write_counters(json, status.counters);
  json.member("memory", memory_bytes).close_object();
}

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  if (!(statm >> total >> resident)) return 0;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace rpx::control
