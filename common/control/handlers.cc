#include "control/handlers.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "base/result.h"
#include "base/text.h"
#include "control/paging.h"
#include "control/views.h"

namespace rpx::control {

namespace {

// One line for each change, with who asked.
void log_change(std::string_view what, const Request& request, LogLevel level, std::string_view outcome) {
  const std::string uid = std::to_string(request.asker.uid);
  const std::string pid = std::to_string(request.asker.pid);
  log_event(level, what, {{"uid", uid}, {"pid", pid}, {"outcome", outcome}});
}

Error bad_body(std::string detail) { return {ErrorKind::kBadRequest, Side::kClient, std::move(detail)}; }

// The one member a stop may have: {"grace": seconds}.
Result<std::optional<Duration>> parse_stop(const std::string& body) {
  constexpr double kMaxGraceSeconds = 10 * 365 * 86400.0;
  std::optional<Duration> grace;
  if (trim(body).empty()) return grace;
  try {
    Poco::JSON::Parser parser;
    const auto object = parser.parse(body).extract<Poco::JSON::Object::Ptr>();
    for (const auto& [name, value] : *object) {
      if (name != "grace") {
        return std::unexpected(bad_body(fmt::format("unknown member \"{}\"; this call takes grace", name)));
      }
      if (!value.isNumeric() || value.isBoolean()) return std::unexpected(bad_body("grace is a number of seconds"));
      const double seconds = value.convert<double>();
      if (!(seconds >= 0) || seconds > kMaxGraceSeconds) {
        return std::unexpected(bad_body("grace is a number of seconds, 0 or more"));
      }
      grace = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
    }
  } catch (const Poco::BadCastException&) {
    return std::unexpected(bad_body("the body is no JSON object"));
  } catch (const Poco::Exception& error) {
    return std::unexpected(bad_body("the body is no JSON: " + error.displayText()));
  }
  return grace;
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

Reply answer_connections(Host& host, const Request& request) {
  const auto page = parse_page(request);
  if (!page) return problem_reply(400, page.error().detail);
  // One more than is shown tells whether there is a next page.
  return page_reply(*page, host.connections(page->begin + page->limit + 1), write_connection);
}

}  // namespace rpx::control
