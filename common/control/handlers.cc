#include "control/handlers.h"

#include <Poco/Dynamic/Var.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "base/events.h"
#include "base/log.h"
#include "base/result.h"
#include "base/text.h"
#include "control/body.h"
#include "control/paging.h"
#include "control/views.h"

namespace rpx::control {

namespace {

Result<Duration> seconds_of(std::string_view name, const Poco::Dynamic::Var& value) {
  constexpr double kMostSeconds = 10 * 365 * 86400.0;
  if (!value.isNumeric() || value.isBoolean())
    return std::unexpected(bad_body(fmt::format("{} is a number of seconds", name)));
  const double seconds = value.convert<double>();
  if (!(seconds >= 0) || seconds > kMostSeconds)
    return std::unexpected(bad_body(fmt::format("{} is a number of seconds, 0 or more", name)));
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

// The one member a stop may have: {"grace": seconds}.
Result<std::optional<Duration>> parse_stop(const std::string& body) {
  std::optional<Duration> grace;
  RPX_TRY_VOID(read_members(body, [&grace](const std::string& name, const Poco::Dynamic::Var& value) -> Status {
    if (name != "grace")
      return std::unexpected(bad_body(fmt::format("unknown member \"{}\"; this call takes grace", name)));
    RPX_TRY(grace, seconds_of(name, value));
    return {};
  }));
  return grace;
}

Status read_change(proxy::ServerChange& change, const std::string& name, const Poco::Dynamic::Var& value) {
  if (name == "state") {
    for (const auto admin : {upstream::Admin::kReady, upstream::Admin::kDrain, upstream::Admin::kMaint})
      if (value.isString() && value.extract<std::string>() == upstream::name_of(admin)) change.state = admin;
    if (!change.state) return std::unexpected(bad_body(R"(state is "ready", "drain" or "maint")"));
  } else if (name == "weight") {
    const bool whole = value.isInteger() && !value.isBoolean();
    const auto weight = whole ? value.convert<Poco::Int64>() : 0;
    if (weight < 1 || weight > 65535)
      return std::unexpected(bad_body("weight is a number from 1 to 65535; drain is for no weight at all"));
    change.weight = static_cast<std::uint32_t>(weight);
  } else if (name == "for") {
    RPX_TRY(change.lasting, seconds_of(name, value));
  } else if (name == "force") {
    if (!value.isBoolean()) return std::unexpected(bad_body("force is true or false"));
    change.force = value.convert<bool>();
  } else {
    return std::unexpected(
        bad_body(fmt::format("unknown member \"{}\"; this call takes state, weight, for and force", name)));
  }
  return {};
}

Result<proxy::ServerChange> parse_change(const Request& request) {
  proxy::ServerChange change{
      .upstream = request.segments[2], .server = request.segments[4], .state = {}, .weight = {}, .lasting = {}};
  RPX_TRY_VOID(read_members(request.body, [&change](const std::string& name, const Poco::Dynamic::Var& value) {
    return read_change(change, name, value);
  }));
  if (!change.state && !change.weight) return std::unexpected(bad_body("the body says neither state nor weight"));
  if (change.lasting && (!change.state || *change.state == upstream::Admin::kReady))
    return std::unexpected(bad_body("for goes with the states drain and maint"));
  return change;
}

std::string change_text(const proxy::ServerChange& change) {
  std::string out;
  if (change.state) out = upstream::name_of(*change.state);
  if (change.lasting) out += fmt::format(" for {}", format_duration(*change.lasting));
  if (change.weight) out += fmt::format("{}weight {}", out.empty() ? "" : ", ", *change.weight);
  return out;
}

}  // namespace

Reply answer_status(Host& host, const Request&) {
  Json json;
  write_status(json, host.identity(), host.status(), std::chrono::system_clock::now(), resident_bytes());
  return json_reply(json);
}

Reply answer_metrics(Host& host, const Request&) {
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = host.metrics()};
}

Reply answer_config(Host& host, const Request&) { return {.body = host.effective_config() + '\n'}; }

Reply answer_check(Host& host, const Request& request) {
  const Checked checked = host.check(request.body);
  Json json;
  json.open_object().key("problems");
  write_problems(json, checked.problems);
  json.member("changes", checked.changes).close_object();
  return json_reply(json);
}

Reply answer_reload(Host& host, const Request& request) {
  const auto done = host.reload();
  if (!done) {
    log_change("reload", request, LogLevel::kWarning, "refused");
    return problem_reply(done.error());
  }
  log_change("reload", request, LogLevel::kNotice, done->changes.empty() ? "nothing had changed" : "done");
  Json json;
  json.open_object().member("generation", done->generation).member("changes", done->changes).key("warnings");
  write_problems(json, done->warnings);
  json.close_object();
  return json_reply(json);
}

Reply answer_stop(Host& host, const Request& request) {
  const auto grace = parse_stop(request.body);
  if (!grace) return problem_reply(400, grace.error().detail);
  log_change("stop", request, LogLevel::kNotice, "begun");
  host.stop(*grace);
  Json json;
  json.open_object().member("stopping", true).member("pid", host.identity().pid).close_object();
  return json_reply(json, 202);
}

Reply answer_upgrade(Host& host, const Request& request) {
  const auto pid = host.upgrade();
  if (!pid) {
    log_change("upgrade", request, LogLevel::kWarning, "refused");
    return problem_reply(409, pid.error().detail);
  }
  log_change("upgrade", request, LogLevel::kNotice, "done");
  Json json;
  json.open_object().member("pid", *pid).member("before", host.identity().pid).close_object();
  return json_reply(json);
}

Reply answer_routes(Host& host, const Request& request) {
  const auto page = parse_page(request);
  if (!page) return problem_reply(400, page.error().detail);
  return page_reply(*page, host.options()->routes, write_route);
}

Reply answer_upstreams(Host& host, const Request& request) {
  const auto page = parse_page(request);
  if (!page) return problem_reply(400, page.error().detail);
  return page_reply(*page, host.upstreams(), write_upstream);
}

Reply answer_upstream(Host& host, const Request& request) {
  const auto upstreams = host.upstreams();
  const auto found = std::ranges::find(upstreams, request.parameter, &proxy::UpstreamView::name);
  if (found == upstreams.end())
    return problem_reply(404, fmt::format("no upstream is named \"{}\"", request.parameter));
  Json json;
  write_upstream(json, *found);
  return json_reply(json);
}

Reply answer_change_server(Host& host, const Request& request) {
  const auto change = parse_change(request);
  if (!change) return problem_reply(400, change.error().detail);
  const std::string what = fmt::format("{} of {}", change->server, change->upstream);
  if (const Status done = host.change_server(*change); !done) {
    if (done.error().kind == ErrorKind::kNotFound) return problem_reply(404, done.error().detail);
    log_change("server " + what, request, LogLevel::kWarning, "refused: " + done.error().detail);
    return problem_reply(409, done.error().detail + "; \"force\": true does it all the same");
  }
  log_change("server " + what, request, LogLevel::kNotice, change_text(*change));
  for (const proxy::UpstreamView& upstream : host.upstreams())
    for (const proxy::ServerView& server : upstream.servers) {
      if (upstream.name != change->upstream || server.url != change->server) continue;
      Json json;
      write_server(json, server);
      return json_reply(json);
    }
  return problem_reply(404, "a reload has taken the server out meanwhile");
}

Reply answer_history(Host& host, const Request& request) {
  const auto history = host.server_history(request.segments[2], request.segments[4]);
  if (!history) return problem_reply(404, history.error().detail);
  Json json;
  write_history(json, *history);
  return json_reply(json);
}

Reply answer_connections(Host& host, const Request& request) {
  const auto page = parse_page(request);
  if (!page) return problem_reply(400, page.error().detail);
  // One more than is shown tells whether there is a next page.
  return page_reply(*page, host.connections(page->begin + page->limit + 1), write_connection);
}

Reply answer_events(Host&, const Request& request) {
  std::string_view asked;
  for (const auto& [name, value] : request.query)
    if (name == "kinds") asked = value;
  std::string_view bad;
  const auto kinds = parse_event_kinds(asked, bad);
  if (!kinds) {
    std::string known;
    for (const EventKindRow& row : event_kinds()) known += fmt::format("{}{}", known.empty() ? "" : ", ", row.name);
    return problem_reply(400, fmt::format("no event is named \"{}\"; there are {}", bad, known));
  }
  return {.content_type = "text/event-stream",
          .body = {},
          .events = EventsWanted{.kinds = *kinds, .last_id = request.last_event_id}};
}

}  // namespace rpx::control
