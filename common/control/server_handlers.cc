#include "control/server_handlers.h"

#include <fmt/format.h>

#include "base/result.h"
#include "control/body.h"
#include "control/views.h"
#include "upstream/server_line.h"

namespace rpx::control {
namespace {

Result<bool> flag_of(const Request& request, std::string_view name) {
  for (const auto& [key, value] : request.query) {
    if (key != name) continue;
    if (value != "true" && value != "false") return std::unexpected(bad_body(fmt::format("{} is true or false", name)));
    return value == "true";
  }
  return false;
}

Status read_number(std::string_view name, const Poco::Dynamic::Var& value, Poco::Int64 least, Poco::Int64 most,
                   std::uint32_t& out) {
  const Poco::Int64 number = value.isInteger() && !value.isBoolean() ? value.convert<Poco::Int64>() : -1;
  if (number < least || number > most)
    return std::unexpected(bad_body(fmt::format("{} is a number from {} to {}", name, least, most)));
  out = static_cast<std::uint32_t>(number);
  return {};
}

Status read_server(upstream::ServerOptions& server, const std::string& name, const Poco::Dynamic::Var& value) {
  if (name == "url") {
    if (!value.isString()) return std::unexpected(bad_body("url is a text"));
    server.url = value.extract<std::string>();
    return {};
  }
  if (name == "weight") return read_number(name, value, 1, 65535, server.weight);
  if (name == "priority") return read_number(name, value, 0, 1000, server.priority);
  if (name == "max_connections") return read_number(name, value, 0, 0xffffffff, server.max_connections);
  if (name == "backup") {
    if (!value.isBoolean()) return std::unexpected(bad_body("backup is true or false"));
    server.backup = value.convert<bool>();
    return {};
  }
  return std::unexpected(bad_body(
      fmt::format("unknown member \"{}\"; this call takes url, weight, priority, max_connections and backup", name)));
}

Result<proxy::ServerAddition> parse_addition(const Request& request) {
  proxy::ServerAddition out{.upstream = request.segments[2], .server = {}};
  RPX_TRY(out.persist, flag_of(request, "persist"));
  RPX_TRY_VOID(read_members(request.body, [&out](const std::string& name, const Poco::Dynamic::Var& value) {
    return read_server(out.server, name, value);
  }));
  if (out.server.url.empty()) return std::unexpected(bad_body("the body does not say the url of the server"));
  return out;
}

Result<proxy::ServerRemoval> parse_removal(const Request& request) {
  proxy::ServerRemoval out{.upstream = request.segments[2], .server = request.segments[4]};
  RPX_TRY(out.force, flag_of(request, "force"));
  RPX_TRY(out.persist, flag_of(request, "persist"));
  return out;
}

Reply refusal(const Error& error, const std::string& what, const Request& request, std::string_view hint) {
  switch (error.kind) {
    case ErrorKind::kNotFound: return problem_reply(404, error.detail);
    case ErrorKind::kBadRequest: return problem_reply(400, error.detail);
    default: break;
  }
  log_change(what, request, LogLevel::kWarning, "refused: " + error.detail);
  if (error.kind == ErrorKind::kIo) return problem_reply(500, error.detail);
  return problem_reply(409, error.kind == ErrorKind::kNoServer ? error.detail + std::string(hint) : error.detail);
}

}  // namespace

Reply answer_add_server(Host& host, const Request& request) {
  const auto addition = parse_addition(request);
  if (!addition) return problem_reply(400, addition.error().detail);
  const std::string what = fmt::format("server {} of {}", addition->server.url, addition->upstream);
  if (const Status done = host.add_server(*addition); !done) return refusal(done.error(), what, request, "");
  log_change(
      what, request, LogLevel::kNotice,
      fmt::format("added: {}{}", upstream::server_line(addition->server), addition->persist ? ", written down" : ""));
  for (const proxy::UpstreamView& upstream : host.upstreams())
    for (const proxy::ServerView& server : upstream.servers) {
      if (upstream.name != addition->upstream || server.url != addition->server.url) continue;
      Json json;
      write_server(json, server);
      return json_reply(json, 201);
    }
  return problem_reply(404, "a reload has taken the server out meanwhile");
}

Reply answer_remove_server(Host& host, const Request& request) {
  const auto removal = parse_removal(request);
  if (!removal) return problem_reply(400, removal.error().detail);
  const std::string what = fmt::format("server {} of {}", removal->server, removal->upstream);
  if (const Status done = host.remove_server(*removal); !done)
    return refusal(done.error(), what, request, "; force=true does it all the same");
  log_change(what, request, LogLevel::kNotice, removal->persist ? "removed, written down" : "removed");
  Json json;
  json.open_object().member("removed", removal->server).close_object();
  return json_reply(json);
}

}  // namespace rpx::control
