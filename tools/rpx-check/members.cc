#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/result.h"
#include "change.h"
#include "control/json.h"
#include "rpx-serve/ask.h"
#include "verbs.h"

namespace rpx::check {
namespace {

struct MemberOptions {
  std::vector<std::string> servers;
  std::string upstream;
  std::optional<int> weight;
  std::optional<int> priority;
  std::optional<int> max_connections;
  bool backup = false;
  bool persist = false;
  bool force = false;
  bool wait = false;
};

constexpr int kConflict = 409;

// What the proxy said against it, as an exit status where it is about the last server.
Result<int> refused(const control::Answer& answer) {
  RPX_TRY(const Poco::JSON::Object::Ptr problem, serve::parse_object(answer.body));
  const std::string detail = serve::text_of(*problem, "detail");
  if (answer.status == kConflict && detail.find("last server") != std::string::npos)
    return cli::report_error(kTool, cli::ExitCode::kRefused,
                             detail.substr(0, detail.find("; ")) + "; pass --force to take it out all the same");
  return self_error(answer.status < 500 ? ErrorKind::kUsage : ErrorKind::kInternal, detail);
}

// The one upstream there is, where none is named.
Result<std::string> upstream_to_join(const control::Client& proxy, const std::string& named) {
  if (!named.empty()) return named;
  RPX_TRY(const auto upstreams, serve::ask_list(proxy, "/v1/upstreams"));
  if (upstreams.size() == 1) return serve::text_of(*upstreams.front(), "name");
  std::string names;
  for (const auto& one : upstreams)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", serve::text_of(*one, "name"));
  return self_error(ErrorKind::kUsage,
                    fmt::format("to which upstream? add --upstream NAME, one of: {}", names.empty() ? "none" : names));
}

std::string server_body(const std::string& url, const MemberOptions& options) {
  control::Json json;
  json.open_object().member("url", url);
  if (options.weight) json.member("weight", *options.weight);
  if (options.priority) json.member("priority", *options.priority);
  if (options.max_connections) json.member("max_connections", *options.max_connections);
  if (options.backup) json.member("backup", true);
  json.close_object();
  return json.take();
}

Result<int> add(const MemberOptions& options, const cli::Common& common) {
  RPX_TRY(const control::Client proxy, serve::find_proxy(common));
  RPX_TRY(const std::string upstream, upstream_to_join(proxy, options.upstream));
  const std::string target = servers_target(upstream) + (options.persist ? "?persist=true" : "");
  for (const std::string& url : options.servers) {
    RPX_TRY(const control::Answer answer, proxy.ask("POST", target, server_body(url, options)));
    if (answer.status != 201) return refused(answer);
  }
  return 0;
}

Result<int> remove(const MemberOptions& options, const cli::Common& common) {
  RPX_TRY(const control::Client proxy, serve::find_proxy(common));
  RPX_TRY(const std::vector<ServerRow> rows, ask_servers(proxy, options.upstream));
  std::vector<ServerRow> going;
  for (const std::string& name : options.servers) {
    RPX_TRY(const std::vector<ServerRow> found, find_servers(rows, name));
    going.insert(going.end(), found.begin(), found.end());
  }
  if (options.wait) {
    const std::string drain = options.force ? R"({"state":"drain","force":true})" : R"({"state":"drain"})";
    for (const ServerRow& row : going) {
      RPX_TRY(const int code, change_server(proxy, row, drain));
      if (code != 0) return code;
    }
    RPX_TRY_VOID(wait_for_idle(proxy, going, common.timeout.value_or(kForever), common));
  }
  const std::string query = fmt::format("?persist={}&force={}", options.persist, options.force);
  for (const ServerRow& row : going) {
    RPX_TRY(const control::Answer answer, proxy.ask("DELETE", server_target(row) + query));
    if (answer.status != 200) return refused(answer);
  }
  return 0;
}

}  // namespace

void add_members(cli::App& app) {
  auto joining = std::make_shared<MemberOptions>();
  app.verb("add", "take servers into an upstream of the running proxy")
      .example("rpx-check add --upstream app http://10.0.0.13:8080", "until it is removed, over reloads and restarts")
      .option("--upstream", "NAME", &joining->upstream, "which one; not needed where there is one only")
      .option("--weight", "N", &joining->weight, "its share, relative to the others; default 1")
      .option("--priority", "N", &joining->priority, "used only when no server of a lower number can be; default 0")
      .option("--max-connections", "N", &joining->max_connections, "requests it may have at once; default no limit")
      .flag("--backup", joining->backup, "used only when no other server can be")
      .flag("--persist", joining->persist, "write it into the servers_file of the upstream")
      .operand("URL...", &joining->servers, "URLs as in the configuration", true)
      .action([joining](const cli::Common& common) {
        const Result<int> done = add(*joining, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
  auto leaving = std::make_shared<MemberOptions>();
  app.verb("remove", "take servers out of the upstreams of the running proxy")
      .example("rpx-check remove --wait --timeout 30s http://10.0.0.13:8080", "when it has finished what it has")
      .option("--upstream", "NAME", &leaving->upstream, "only out of this upstream; default all that have it")
      .flag("--persist", leaving->persist, "take it out of the servers_file of the upstream")
      .flag("--force", leaving->force, "even if no other server can answer")
      .flag("--wait", leaving->wait, "let it finish its exchanges first; 4 when --timeout comes before that")
      .operand("SERVER...", &leaving->servers, "URLs, or what follows their //", true)
      .action([leaving](const cli::Common& common) {
        const Result<int> done = remove(*leaving, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::check
