#include "control/fault_handlers.h"

#include <Poco/JSON/Object.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>

#include "base/result.h"
#include "control/body.h"
#include "control/paging.h"
#include "proxy/site.h"

namespace rpx::control {
namespace {

using Poco::Dynamic::Var;
using FaultPtr = std::shared_ptr<policy::Fault>;

constexpr double kLongestDelay = 3600;
constexpr double kMostBytes = 1e15;
constexpr double kMostSeed = 4294967295.0;

double seconds_in(Duration span) { return std::chrono::duration<double>(span).count(); }

void write_fault(Json& json, const policy::Fault& fault, const proxy::Site& site) {
  const policy::FaultOptions now = fault.now();
  std::vector<std::string> routes;
  for (const proxy::Route& route : site.routes())
    if (route.fault.get() == &fault) routes.push_back(route.options->name);
  json.open_object().member("name", now.name).member("active", fault.active());
  json.key("routes").value(routes);
  json.member("requests", fault.requests()).member("hits", fault.hits());
  if (now.delay)
    json.key("delay")
        .open_object()
        .member("time", seconds_in(now.delay->time))
        .member("jitter", seconds_in(now.delay->jitter))
        .member("percent", now.delay->percent)
        .close_object();
  if (now.abort)
    json.key("abort")
        .open_object()
        .member("status", now.abort->status)
        .member("percent", now.abort->percent)
        .close_object();
  if (now.reset) json.key("reset").open_object().member("percent", now.reset->percent).close_object();
  if (now.truncate)
    json.key("truncate")
        .open_object()
        .member("after", now.truncate->after)
        .member("percent", now.truncate->percent)
        .close_object();
  json.member("bandwidth", now.bandwidth).member("seed", now.seed).close_object();
}

// What is counted is counted in whole numbers; only a span of time may be any.
enum class Number : std::uint8_t { kWhole, kAny };

Result<double> number_in(const std::string& name, const Var& value, double least, double most, Number kind) {
  const bool is_number = value.isNumeric() && !value.isBoolean();
  const double number = is_number ? value.convert<double>() : least - 1;
  const bool fits = number >= least && number <= most;  // not what is no number at all
  if (!fits || (kind == Number::kWhole && number != std::floor(number)))
    return std::unexpected(bad_body(
        fmt::format("{} is a {}number from {} to {}", name, kind == Number::kWhole ? "whole " : "", least, most)));
  return number;
}

Duration span_of(double count) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(count)); }

// One of the tables of a fault: its members and where each goes.
struct Member {
  const char* name;
  double least;
  double most;
  std::function<void(double)> take;
  Number kind = Number::kWhole;
  bool required = false;
};

Status read_table(const std::string& table, const Var& value, const std::vector<Member>& members) {
  if (value.type() != typeid(Poco::JSON::Object::Ptr))
    return std::unexpected(bad_body(fmt::format("{} is an object", table)));
  const auto& object = value.extract<Poco::JSON::Object::Ptr>();
  for (const auto& [name, inner] : *object) {
    const auto member = std::ranges::find(members, name, &Member::name);
    if (member == members.end()) return std::unexpected(bad_body(fmt::format("{} has no member \"{}\"", table, name)));
    RPX_TRY(const double number,
            number_in(fmt::format("{}.{}", table, name), inner, member->least, member->most, member->kind));
    member->take(number);
  }
  for (const Member& member : members)
    if (member.required && !object->has(member.name))
      return std::unexpected(bad_body(fmt::format("{} needs the member {}", table, member.name)));
  return {};
}

Member percent_of(std::uint32_t& field) {
  return {"percent", 0, 100, [&field](double n) { field = static_cast<std::uint32_t>(n); }};
}

Status read_delay(policy::FaultDelay& delay, const Var& value) {
  return read_table("delay", value,
                    {{"time", 0, kLongestDelay, [&](double n) { delay.time = span_of(n); }, Number::kAny, true},
                     {"jitter", 0, kLongestDelay, [&](double n) { delay.jitter = span_of(n); }, Number::kAny},
                     percent_of(delay.percent)});
}

Status read_abort(policy::FaultAbort& abort, const Var& value) {
  return read_table("abort", value,
                    {{"status", 400, 599, [&](double n) { abort.status = static_cast<std::uint16_t>(n); }},
                     percent_of(abort.percent)});
}

Status read_truncate(policy::FaultTruncate& truncate, const Var& value) {
  const auto take = [&](double n) { truncate.after = static_cast<Size>(n); };
  return read_table("truncate", value,
                    {{"after", 0, kMostBytes, take, Number::kWhole, true}, percent_of(truncate.percent)});
}

Status read_fault(policy::FaultOptions& out, const std::string& name, const Var& value) {
  if (name == "delay") return read_delay(out.delay.emplace(), value);
  if (name == "abort") return read_abort(out.abort.emplace(), value);
  if (name == "reset") return read_table(name, value, {percent_of(out.reset.emplace().percent)});
  if (name == "truncate") return read_truncate(out.truncate.emplace(), value);
  if (name == "bandwidth") {
    RPX_TRY(const double number, number_in(name, value, 0, kMostBytes, Number::kWhole));
    out.bandwidth = static_cast<Size>(number);
    return {};
  }
  if (name == "seed") {
    RPX_TRY(const double number, number_in(name, value, 0, kMostSeed, Number::kWhole));
    out.seed = static_cast<std::uint32_t>(number);
    return {};
  }
  return std::unexpected(bad_body(
      fmt::format("unknown member \"{}\"; a fault has delay, abort, reset, truncate, bandwidth and seed", name)));
}

FaultPtr find_fault(const proxy::Site& site, const std::string& name) {
  for (const FaultPtr& fault : site.faults())
    if (fault->configured().name == name) return fault;
  return nullptr;
}

Reply no_fault(const std::string& name) {
  return problem_reply(404, fmt::format("there is no fault \"{}\"; the configuration names those there are", name));
}

Reply fault_reply(const policy::Fault& fault, const proxy::Site& site) {
  Json json;
  write_fault(json, fault, site);
  return json_reply(json);
}

void write_maintenance(Json& json, const proxy::Route& route) {
  json.open_object()
      .member("route", route.options->name)
      .member("enabled", route.in_maintenance())
      .member("configured", route.work->configured())
      .member("status", route.maintenance.status)
      .close_object();
}

const proxy::Route* find_route(const proxy::Site& site, const std::string& name) {
  for (const proxy::Route& route : site.routes())
    if (route.options->name == name) return &route;
  return nullptr;
}

Reply no_route(const std::string& name) {
  return problem_reply(404, fmt::format("there is no route \"{}\"; GET /v1/routes lists them", name));
}

}  // namespace

Reply answer_faults(Host& host, const Request& request) {
  const auto page = parse_page(request);
  if (!page) return problem_reply(400, page.error().detail);
  const auto site = host.live_site();
  return page_reply(*page, site->faults(),
                    [&](Json& json, const FaultPtr& fault) { write_fault(json, *fault, *site); });
}

Reply answer_fault(Host& host, const Request& request) {
  const auto site = host.live_site();
  const FaultPtr fault = find_fault(*site, request.parameter);
  return fault ? fault_reply(*fault, *site) : no_fault(request.parameter);
}

Reply answer_change_fault(Host& host, const Request& request) {
  const auto site = host.live_site();
  const FaultPtr fault = find_fault(*site, request.parameter);
  if (!fault) return no_fault(request.parameter);
  policy::FaultOptions wanted;
  const Status read = read_members(
      request.body, [&wanted](const std::string& name, const Var& value) { return read_fault(wanted, name, value); });
  if (!read) return problem_reply(400, read.error().detail);
  fault->change(std::move(wanted));
  log_change(fmt::format("fault {}", request.parameter), request, LogLevel::kNotice,
             fault->active() ? "changed" : "off");
  return fault_reply(*fault, *site);
}

Reply answer_end_fault(Host& host, const Request& request) {
  const auto site = host.live_site();
  const FaultPtr fault = find_fault(*site, request.parameter);
  if (!fault) return no_fault(request.parameter);
  fault->change({});
  log_change(fmt::format("fault {}", request.parameter), request, LogLevel::kNotice, "off");
  return fault_reply(*fault, *site);
}

Reply answer_maintenances(Host& host, const Request& request) {
  const auto page = parse_page(request);
  if (!page) return problem_reply(400, page.error().detail);
  return page_reply(*page, host.live_site()->routes(),
                    [](Json& json, const proxy::Route& route) { write_maintenance(json, route); });
}

Reply answer_maintenance(Host& host, const Request& request) {
  const auto site = host.live_site();
  const proxy::Route* route = find_route(*site, request.parameter);
  if (route == nullptr) return no_route(request.parameter);
  Json json;
  write_maintenance(json, *route);
  return json_reply(json);
}

Reply answer_change_maintenance(Host& host, const Request& request) {
  const auto site = host.live_site();
  const proxy::Route* route = find_route(*site, request.parameter);
  if (route == nullptr) return no_route(request.parameter);
  std::optional<bool> enabled;
  const Status read = read_members(request.body, [&enabled](const std::string& name, const Var& value) -> Status {
    if (name != "enabled") return std::unexpected(bad_body(fmt::format("unknown member \"{}\"; give enabled", name)));
    if (!value.isBoolean()) return std::unexpected(bad_body("enabled is true or false"));
    enabled = value.convert<bool>();
    return {};
  });
  if (!read) return problem_reply(400, read.error().detail);
  if (!enabled) return problem_reply(400, R"(the body does not say {"enabled": true} or false)");
  route->work->turn(*enabled);
  log_change(fmt::format("maintenance of {}", request.parameter), request, LogLevel::kNotice, *enabled ? "on" : "off");
  Json json;
  write_maintenance(json, *route);
  return json_reply(json);
}

}  // namespace rpx::control
