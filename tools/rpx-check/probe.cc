#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/result.h"
#include "nagios.h"
#include "probing.h"
#include "verbs.h"

namespace rpx::check {
namespace {

struct ProbeOptions {
  std::vector<std::string> urls;
  bool tcp = false;
  bool nagios = false;
};

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
  return cli::to_int(std::ranges::all_of(results, &upstream::ProbeResult::good) ? cli::ExitCode::kDone
                                                                                : cli::ExitCode::kFalse);
}

Result<int> probe(const ProbeOptions& options, const cli::Common& common) {
  RPX_TRY(const std::vector<Subject> subjects, subjects_of(options.urls, options.tcp, common));
  return options.nagios ? show_plugin(subjects) : show(subjects, common);
}

Result<int> probe_config(const ProbeOptions& options, const cli::Common& common) {
  RPX_TRY(std::vector<Subject> subjects, subjects_of_file(common));
  if (common.timeout)
    for (Subject& subject : subjects) subject.check.timeout = *common.timeout;
  return options.nagios ? show_plugin(subjects) : show(subjects, common);
}

}  // namespace

void add_probe(cli::App& app) {
  auto options = std::make_shared<ProbeOptions>();
  app.verb("probe", "check servers once, as the proxy would; exit status 1 when one is not healthy")
      .example("rpx-check probe http://127.0.0.1:3000/healthz", "that path must answer 200 to 399 within 1s")
      .example("rpx-check probe -c rpx.toml http://10.0.0.11:8080", "with the check the file has for it")
      .flag("--tcp", options->tcp, "a connection is enough")
      .flag("--nagios", options->nagios, "one line with performance data, and a plugin's exit statuses")
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
      .action([options](const cli::Common& common) {
        const Result<int> done = probe_config(*options, common);
        if (!done && options->nagios) return report_plugin(done.error());
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::check
