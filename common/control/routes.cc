#include "control/routes.h"

#include <Poco/Exception.h>
#include <Poco/URI.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "base/text.h"
#include "control/acme_handlers.h"
#include "control/blocklist_handlers.h"
#include "control/cache_handlers.h"
#include "control/certificate_handlers.h"
#include "control/fault_handlers.h"
#include "control/gate.h"
#include "control/handlers.h"
#include "control/leak_handler.h"
#include "control/server_handlers.h"
#include "control/snapshot_handlers.h"
#include "control/warm_handler.h"

namespace rpx::control {

namespace {

constexpr Call kCalls[] = {
    {"GET", "/v1/status", "", false, answer_status, "version, pid, uptime, listeners, connections and counters"},
    {"GET", "/metrics", "", false, answer_metrics, "every counter in the text format of Prometheus"},
    {"GET", "/v1/config", "", false, answer_config, "the effective configuration, defaults filled in"},
    {"POST", "/v1/config/check", "", true, answer_check, "what is wrong with the TOML sent, or what it would change"},
    {"POST", "/v1/reload", "", false, answer_reload, "read the configuration again, swap it in whole or not at all"},
    {"POST", "/v1/stop", "", true, answer_stop, "stop gracefully"},
    {"POST", "/v1/upgrade", "", false, answer_upgrade,
     "start the program anew, hand it the listening sockets, and stop gracefully once it serves"},
    {"GET", "/v1/routes", "limit cursor", false, answer_routes, "routes, in the order of the file"},
    {"POST", "/v1/explain", "", true, answer_explain, "what would happen to a request, step by step, and why"},
    {"POST", "/v1/leaks", "", true, answer_leaks,
     "what in the reply to a URL, as a client gets it, tells on the servers"},
    {"GET", "/v1/upstreams", "limit cursor", false, answer_upstreams, "upstreams and their servers"},
    {"GET", "/v1/upstreams/{name}", "", false, answer_upstream, "one upstream and its servers"},
    {"PATCH", "/v1/upstreams/{name}/servers/{url}", "", true, answer_change_server,
     "make a server ready, drain it, take it out for maintenance, or change its weight"},
    {"GET", "/v1/upstreams/{name}/servers/{url}/history", "", false, answer_history,
     "how a server came to be as it is: its last changes and checks"},
    {"POST", "/v1/upstreams/{name}/servers", "persist", true, answer_add_server,
     "take a server into an upstream; persist=true writes it to the servers_file"},
    {"DELETE", "/v1/upstreams/{name}/servers/{url}", "force persist", false, answer_remove_server,
     "take a server out of an upstream; persist=true out of the servers_file too"},
    {"GET", "/v1/connections", "limit cursor", false, answer_connections,
     "live client connections, longest exchange first"},
    {"GET", "/v1/events", "kinds", false, answer_events,
     "what happens, as server-sent events, until either end closes"},
    {"GET", "/v1/cache", "limit cursor", false, answer_caches, "caches, with what is in them and what they have done"},
    {"GET", "/v1/cache/{name}", "", false, answer_cache, "one cache"},
    {"GET", "/v1/cache/{name}/entries", "limit cursor prefix host tag state", false, answer_cache_entries,
     "what is stored, by URL"},
    {"GET", "/v1/cache/{name}/entry", "url", false, answer_cache_entry,
     "the stored replies to one URL, and what a plain GET would get now, and why"},
    {"GET", "/v1/cache/{name}/body", "url", false, answer_cache_body, "the body of the first of them", true},
    {"POST", "/v1/cache/{name}/purge", "", true, answer_cache_purge,
     "take objects out by url, prefix, host, tag or all; with soft, mark them stale"},
    {"POST", "/v1/cache/{name}/warm", "", true, answer_cache_warm,
     "fetch URLs now, as a client would, so that they are stored"},
    {"GET", "/v1/cache/{name}/snapshot", "cursor", false, answer_cache_export,
     "what is stored, as records of a snapshot, part by part", true},
    {"POST", "/v1/cache/{name}/snapshot", "", true, answer_cache_import, "store what records of a snapshot hold"},
    {"GET", "/v1/blocklist", "limit cursor", false, answer_blocklist,
     "what is blocked, with reason, source, end and hits"},
    {"POST", "/v1/blocklist", "", true, answer_blocklist_add, "block prefixes, in the file too"},
    {"DELETE", "/v1/blocklist", "", true, answer_blocklist_del, "take prefixes out again"},
    {"POST", "/v1/blocklist/test", "", true, answer_blocklist_test, "whether an address is blocked, and by what"},
    {"GET", "/v1/maintenance", "limit cursor", false, answer_maintenances,
     "routes, and whether they are being worked on"},
    {"GET", "/v1/maintenance/{name}", "", false, answer_maintenance, "one route"},
    {"PUT", "/v1/maintenance/{name}", "", true, answer_change_maintenance,
     "take a route out of service, or back, without a reload"},
    {"GET", "/v1/faults", "limit cursor", false, answer_faults, "faults, and how many requests they have hit"},
    {"GET", "/v1/faults/{name}", "", false, answer_fault, "one fault"},
    {"PUT", "/v1/faults/{name}", "", true, answer_change_fault, "have a fault do this from now on, and nothing else"},
    {"DELETE", "/v1/faults/{name}", "", false, answer_end_fault, "have a fault do nothing"},
    {"GET", "/v1/certificates", "limit cursor", false, answer_certificates,
     "certificates, with names, issuer, end, kind of key, and whether they are served"},
    {"POST", "/v1/certificates/reload", "", false, answer_certificates_reload,
     "read the files of all certificates again; the next handshake has them"},
    {"GET", "/v1/acme", "", false, answer_acme,
     "the certificates that the proxy obtains by itself, and the challenges that are open"},
    {"POST", "/v1/acme/renew", "", true, answer_acme_renew, "obtain a certificate now, or all of them"},
    {"PUT", "/v1/acme/challenges/{token}", "", true, answer_put_challenge,
     "answer a challenge, as rpx-cert asks while it proves a name"},
    {"DELETE", "/v1/acme/challenges/{token}", "", false, answer_delete_challenge, "answer it no more"},
};

// Cuts the target into decoded segments and query parameters. A name may hold an encoded slash, so it is cut first.
Status parse_target(Request& request) {
  std::string_view target = request.target;
  if (const auto scheme = target.find("://"); !target.starts_with('/') && scheme != std::string_view::npos) {
    const auto path = target.find('/', scheme + 3);
    target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
  }
  if (!target.starts_with('/')) return self_error(ErrorKind::kBadRequest, "the target of a call begins with /");
  const auto mark = target.find('?');
  try {
    for (const std::string_view segment :
         split(target.substr(1, mark - (mark == std::string_view::npos ? 0 : 1)), '/')) {
      Poco::URI::decode(std::string(segment), request.segments.emplace_back());
    }
    if (mark != std::string_view::npos) {
      const Poco::URI uri("/?" + std::string(target.substr(mark + 1)));
      for (auto& [name, value] : uri.getQueryParameters()) request.query.emplace_back(name, value);
    }
  } catch (const Poco::Exception& error) {
    return self_error(ErrorKind::kBadRequest, "the target cannot be read: " + error.displayText());
  }
  return {};
}

bool matches(std::string_view pattern, Request& request) {
  const auto wanted = split(pattern.substr(1), '/');
  if (wanted.size() != request.segments.size()) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].starts_with('{') && !request.segments[i].empty()) {
      request.parameter = request.segments[i];
    } else if (wanted[i] != request.segments[i]) {
      return false;
    }
  }
  return true;
}

bool takes_method(const Call& call, std::string_view method) {
  return call.method == method || (call.method == "GET" && method == "HEAD");
}

Reply not_allowed(const Request& request, std::string_view allow) {
  Reply reply =
      problem_reply(405, fmt::format("{} cannot be asked with {}; {} can", request.target, request.method, allow));
  reply.allow = allow;
  return reply;
}

Status check_query(const Call& call, const Request& request) {
  const auto known = split(call.query, ' ');
  for (const auto& [name, value] : request.query) {
    if (!name.empty() && std::ranges::find(known, name) != known.end()) continue;
    const std::string takes =
        call.query.empty() ? "this call takes none" : fmt::format("this call takes {}", fmt::join(known, " and "));
    return self_error(ErrorKind::kBadRequest, fmt::format("unknown query parameter \"{}\"; {}", name, takes));
  }
  return {};
}

Reply answer(Host& host, const Call& call, const Request& request) {
  if (call.guarded && !request.asker.is_trusted()) return needs_token(host.options()->admin);
  if (const Status query = check_query(call, request); !query) return problem_reply(400, query.error().detail);
  if (!call.takes_body && !trim(request.body).empty()) return problem_reply(400, "this call takes no body");
  return call.handler(host, request);
}

}  // namespace

std::span<const Call> calls() noexcept { return kCalls; }

Reply dispatch(Host& host, Request request) {
  if (const Status parsed = parse_target(request); !parsed) return problem_reply(400, parsed.error().detail);
  std::string allow;
  for (const Call& call : kCalls) {
    if (!matches(call.pattern, request)) continue;
    if (takes_method(call, request.method)) return answer(host, call, request);
    allow += (allow.empty() ? "" : ", ") + std::string(call.method == "GET" ? "GET, HEAD" : call.method);
  }
  if (!allow.empty()) return not_allowed(request, allow);
  return problem_reply(404, fmt::format("no call is named {}; rpx-control(7) lists them", request.target));
}

}  // namespace rpx::control
