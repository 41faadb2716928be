#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "base/result.h"
#include "control/json.h"
#include "nagios.h"
#include "probing.h"
#include "rpx-serve/source.h"
#include "servers.h"
#include "verbs.h"

namespace rpx::check {
namespace {

struct ProbeOptions {
  std::vector<std::string> urls;
  Kind kind;
  bool nagios = false;
  std::optional<Duration> interval;
};

constexpr Duration kShortestInterval = std::chrono::milliseconds(100);
constexpr Duration kAskProxy = std::chrono::seconds(1);

double milliseconds(Duration time) {
  return static_cast<double>(std::chrono::round<std::chrono::microseconds>(time).count()) / 1000;
}

// The time of each probe as performance data; one server that is not well is critical.
int show_plugin(const std::vector<Subject>& subjects) {
  const std::vector<upstream::ProbeResult> results = probe_all(subjects);
  std::string trouble;
  std::string performance;
  for (std::size_t i = 0; i < results.size(); ++i) {
    performance += fmt::format("{}{}={:.6f}s;;;0", i == 0 ? "" : " ", plugin_label(subjects[i].url),
                               std::chrono::duration<double>(results[i].total).count());
    if (!results[i].good)
      trouble += fmt::format("{}{}: {}", trouble.empty() ? "" : ", ", subjects[i].url, results[i].why);
  }
  const auto good = std::ranges::count(results, true, &upstream::ProbeResult::good);
  const std::string counted = fmt::format("{} of {} servers are healthy", good, results.size());
  return trouble.empty() ? report_plugin(PluginStatus::kOk, counted, performance)
                         : report_plugin(PluginStatus::kCritical, counted + "; " + trouble, performance);
}

// Where a proxy answers, and thinks otherwise of a server than what was found from here, that is told: one of the two
// cannot reach it, or goes by another check.
void tell_differences(const std::vector<Subject>& subjects, const std::vector<upstream::ProbeResult>& results,
                      const cli::Common& common) {
  const auto socket = serve::find_socket(common);
  if (!socket || common.quiet) return;
  const auto rows = ask_servers(control::Client(*socket, kAskProxy), "");
  if (!rows) return;
  for (std::size_t i = 0; i < subjects.size(); ++i)
    for (const ServerRow& row : *rows) {
      const bool same =
          row.url == subjects[i].url && (subjects[i].upstream.empty() || subjects[i].upstream == row.upstream);
      const bool judged = row.state == "up" || row.state == "down" || row.state == "ejected" || row.state == "open";
      if (!same || !judged || (row.state == "up") == results[i].good) continue;
      cli::write_stderr(fmt::format("{}: {}: a probe from here says \"{}\", the proxy says {}{}{}\n", kTool, row.url,
                                    results[i].why, row.state, row.why.empty() ? "" : ": ", row.why));
    }
}

int show(const std::vector<Subject>& subjects, const cli::Common& common) {
  const std::vector<upstream::ProbeResult> results = probe_all(subjects);
  cli::Records records({{"server"},
                        {"upstream"},
                        {"check"},
                        {"healthy"},
                        {"why"},
                        {"connect_ms", true},
                        {"reply_ms", true},
                        {"total_ms", true},
                        {"first_bytes"}});
  for (std::size_t i = 0; i < results.size(); ++i) {
    const upstream::ProbeResult& result = results[i];
    cli::Cell upstream;
    if (!subjects[i].upstream.empty()) upstream = subjects[i].upstream;
    records.add({subjects[i].url, upstream, upstream::describe(subjects[i].check), result.good, result.why,
                 milliseconds(result.connect), milliseconds(result.first_byte), milliseconds(result.total),
                 result.first_bytes});
  }
  if (!common.quiet)
    cli::write_stdout(
        records.render(common.resolved_format(), cli::use_color(common.color, cli::stdout_is_terminal())));
  tell_differences(subjects, results, common);
  return cli::to_int(std::ranges::all_of(results, &upstream::ProbeResult::good) ? cli::ExitCode::kDone
                                                                                : cli::ExitCode::kFalse);
}

// Round after round, a line of JSON for each probe, until the process is told to end or --timeout is over; then the
// exit status is that of the last round.
int show_rounds(const std::vector<Subject>& subjects, Duration interval, std::optional<Duration> patience) {
  const Instant until = deadline_after(std::chrono::steady_clock::now(), patience.value_or(kForever));
  for (Instant next = std::chrono::steady_clock::now();;) {
    const std::vector<upstream::ProbeResult> results = probe_all(subjects);
    const std::string time = format_rfc3339(std::chrono::system_clock::now());
    std::string out;
    for (std::size_t i = 0; i < results.size(); ++i) {
      const upstream::ProbeResult& result = results[i];
      control::Json json;
      json.open_object().member("time", time).member("server", subjects[i].url);
      json.member("upstream", subjects[i].upstream).member("healthy", result.good).member("why", result.why);
      json.member("connect_ms", milliseconds(result.connect)).member("reply_ms", milliseconds(result.first_byte));
      json.member("total_ms", milliseconds(result.total)).member("first_bytes", result.first_bytes).close_object();
      out += json.take() + '\n';
    }
    cli::write_stdout(out);
    next = std::max(next + interval, std::chrono::steady_clock::now());
    const bool over = next >= until;
    if (over)
      return cli::to_int(std::ranges::all_of(results, &upstream::ProbeResult::good) ? cli::ExitCode::kDone
                                                                                    : cli::ExitCode::kFalse);
    pause(next - std::chrono::steady_clock::now());
  }
}

Result<int> show_as_asked(const ProbeOptions& options, const std::vector<Subject>& subjects,
                          const cli::Common& common) {
  if (options.interval && (*options.interval < kShortestInterval || options.nagios))
    return self_error(ErrorKind::kUsage, "--interval is at least 100ms, and not for --nagios");
  if (options.interval) return show_rounds(subjects, *options.interval, common.timeout);
  return options.nagios ? show_plugin(subjects) : show(subjects, common);
}

// Of rounds --timeout bounds the whole, not each check.
cli::Common for_each_check(const ProbeOptions& options, cli::Common common) {
  if (options.interval) common.timeout.reset();
  return common;
}

Result<int> probe(const ProbeOptions& options, const cli::Common& common) {
  const Kind& kind = options.kind;
  if (int{kind.tcp} + int{kind.tls} + int{kind.grpc} > 1)
    return self_error(ErrorKind::kUsage, "--tcp, --tls and --grpc are three ways to check: give one of them");
  if (!kind.service.empty() && !kind.grpc) return self_error(ErrorKind::kUsage, "--service is for --grpc");
  RPX_TRY(const std::vector<Subject> subjects, subjects_of(options.urls, kind, for_each_check(options, common)));
  return show_as_asked(options, subjects, common);
}

Result<int> probe_config(const ProbeOptions& options, const cli::Common& common) {
  RPX_TRY(std::vector<Subject> subjects, subjects_of_file(common));
  if (common.timeout && !options.interval)
    for (Subject& subject : subjects) subject.check.timeout = *common.timeout;
  return show_as_asked(options, subjects, common);
}

}  // namespace

void add_probe(cli::App& app) {
  auto options = std::make_shared<ProbeOptions>();
  app.verb("probe", "check servers once, as the proxy would; exit status 1 when one is not healthy")
      .example("rpx-check probe http://127.0.0.1:3000/healthz", "that path must answer 200 to 399 within 1s")
      .example("rpx-check probe -c rpx.toml http://10.0.0.11:8080", "with the check the file has for it")
      .example("rpx-check probe --grpc --service app.Shop http://10.0.0.11:9000", "by grpc.health.v1, over HTTP/2")
      .flag("--tcp", options->kind.tcp, "a connection is enough")
      .flag("--tls", options->kind.tls, "so is a TLS handshake with a certificate that is good")
      .flag("--grpc", options->kind.grpc, "ask by grpc.health.v1 over HTTP/2")
      .option("--service", "NAME", &options->kind.service, "about this service; default the server as a whole")
      .flag("--nagios", options->nagios, "one line with performance data, and a plugin's exit statuses")
      .option("--interval", "DURATION", &options->interval, "again and again, a line of JSON for each; until --timeout")
      .operand("URL...", &options->urls, "servers, with the path to ask for", true)
      .action([options](const cli::Common& common) {
        const Result<int> done = probe(*options, common);
        if (!done && options->nagios) return report_plugin(done.error());
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

void add_config(cli::App& app) {
  auto options = std::make_shared<ProbeOptions>();
  app.verb("config", "check every server of a configuration once; no proxy is needed")
      .example("rpx-check config -c rpx.toml", "servers without a check of their own must take a connection")
      .flag("--nagios", options->nagios, "one line with performance data, and a plugin's exit statuses")
      .option("--interval", "DURATION", &options->interval, "again and again, a line of JSON for each; until --timeout")
      .action([options](const cli::Common& common) {
        const Result<int> done = probe_config(*options, common);
        if (!done && options->nagios) return report_plugin(done.error());
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::check
