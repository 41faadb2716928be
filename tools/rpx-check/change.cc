#include "change.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "base/result.h"
#include "rpx-serve/ask.h"
#include "verbs.h"

namespace rpx::check {
namespace {

struct ChangeOptions {
  std::vector<std::string> servers;
  std::string upstream;
  std::optional<Duration> lasting;
  bool force = false;
  bool wait = false;
  std::string weight;  // as typed
};

}  // namespace

std::string servers_target(const std::string& upstream) {
  return fmt::format("/v1/upstreams/{}/servers", control::encoded_segment(upstream));
}

std::string server_target(const ServerRow& row) {
  return fmt::format("{}/{}", servers_target(row.upstream), control::encoded_segment(row.url));
}

// The last healthy server is not taken out: that is exit status 5, unlike what else may go wrong.
Result<int> change_server(const control::Client& proxy, const ServerRow& row, const std::string& body) {
  RPX_TRY(const control::Answer answer, proxy.ask("PATCH", server_target(row), body));
  if (answer.status == 200) return 0;
  RPX_TRY(const Poco::JSON::Object::Ptr problem, serve::parse_object(answer.body));
  std::string detail = serve::text_of(*problem, "detail");
  if (answer.status == 409) {
    detail = detail.substr(0, detail.find("; ")) + "; pass --force to take it out all the same";
    return cli::report_error(kTool, cli::ExitCode::kRefused, detail);
  }
  return self_error(answer.status < 500 ? ErrorKind::kUsage : ErrorKind::kInternal, detail);
}

Status wait_for_idle(const control::Client& proxy, const std::vector<ServerRow>& servers, Duration patience,
                     const cli::Common& common) {
  const Instant until = deadline_after(std::chrono::steady_clock::now(), patience);
  cli::Progress progress(!common.quiet && !common.no_progress);
  for (;;) {
    RPX_TRY(const std::vector<ServerRow> rows, ask_servers(proxy, ""));
    std::uint64_t active = 0;
    for (const ServerRow& row : rows)
      for (const ServerRow& one : servers)
        if (row.upstream == one.upstream && row.url == one.url) active += row.active;
    if (active == 0) return {};
    if (std::chrono::steady_clock::now() + kLook > until)
      return self_error(ErrorKind::kResponseTimeout, fmt::format("time ran out: {} exchanges still go on", active));
    progress.show(fmt::format("{} exchanges to finish", active));
    pause();
  }
}

namespace {

Result<int> change(const ChangeOptions& options, const std::string& body, const cli::Common& common) {
  RPX_TRY(const control::Client proxy, serve::find_proxy(common));
  RPX_TRY(const std::vector<ServerRow> rows, ask_servers(proxy, options.upstream));
  std::vector<ServerRow> changed;
  for (const std::string& name : options.servers) {
    RPX_TRY(const std::vector<ServerRow> found, find_servers(rows, name));
    changed.insert(changed.end(), found.begin(), found.end());
  }
  for (const ServerRow& row : changed) {
    RPX_TRY(const int code, change_server(proxy, row, body));
    if (code != 0) return code;
  }
  if (options.wait) RPX_TRY_VOID(wait_for_idle(proxy, changed, common.timeout.value_or(kForever), common));
  return 0;
}

std::string state_body(std::string_view state, const ChangeOptions& options) {
  std::string body = fmt::format(R"({{"state":"{}")", state);
  if (options.lasting) body += fmt::format(R"(,"for":{})", std::chrono::duration<double>(*options.lasting).count());
  if (options.force) body += R"(,"force":true)";
  return body + "}";
}

cli::Verb& servers_of(cli::Verb& verb, ChangeOptions& options) {
  return verb
      .option("--upstream", "NAME", &options.upstream, "only as a server of this upstream; default all that have it")
      .operand("SERVER...", &options.servers, "URLs, or what follows their //", true);
}

void add_state(cli::App& app, const std::string& state, const std::string& summary, const std::string& example) {
  auto options = std::make_shared<ChangeOptions>();
  cli::Verb verb = app.verb(state, summary);
  verb.example(fmt::format("rpx-check {} {}http://10.0.0.11:8080", state, example), "in every upstream that has it");
  if (state != "ready") {
    verb.option("--for", "DURATION", &options->lasting, "ready again by itself after this long")
        .flag("--force", options->force, "even if no other server can answer")
        .flag("--wait", options->wait, "return when it has finished all exchanges; 4 when --timeout comes first");
  }
  servers_of(verb, *options).action([options, state](const cli::Common& common) {
    const Result<int> done = change(*options, state_body(state, *options), common);
    return done ? *done : cli::report_error(kTool, done.error());
  });
}

}  // namespace

void add_changes(cli::App& app) {
  add_state(app, "ready", "let servers take requests again", "");
  add_state(app, "drain", "let servers finish what they have and give them nothing new", "--wait --timeout 30s ");
  add_state(app, "maint", "take servers out for maintenance", "--for 20m ");
  auto options = std::make_shared<ChangeOptions>();
  cli::Verb verb = app.verb("weight", "change the weight of servers until the proxy ends or the file changes it");
  verb.example("rpx-check weight --set 10 http://10.0.0.11:8080", "ten times the share of a server of weight 1")
      .option("--set", "N", &options->weight, "1 to 65535");
  servers_of(verb, *options).action([options](const cli::Common& common) {
    if (options->weight.empty() || options->weight.find_first_not_of("0123456789") != std::string::npos)
      return cli::report_error(kTool, cli::ExitCode::kUsage, "--set N is needed, from 1 to 65535");
    const Result<int> done = change(*options, fmt::format(R"({{"weight":{}}})", options->weight), common);
    return done ? *done : cli::report_error(kTool, done.error());
  });
}

}  // namespace rpx::check
