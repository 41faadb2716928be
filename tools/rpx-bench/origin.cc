#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <memory>
#include <optional>
#include <thread>

#include "base/result.h"
#include "cli/terminal.h"
#include "net/listener.h"
#include "origin_server.h"
#include "verbs.h"

namespace rpx::bench {
namespace {

struct OriginOptions {
  std::string listen = "127.0.0.1:0";
  std::optional<int> threads;
  bool awake = false;
  bool delays = false;
};

double in_ms(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e6; }

// How long the delays really were, for those who measure with them.
void tell_delays(const std::vector<std::unique_ptr<OriginThread>>& origins, const cli::Common& common) {
  load::Histogram all;
  for (const auto& origin : origins) all.merge(origin->delays());
  std::vector<cli::Column> columns{{"delayed", true}};
  std::vector<cli::Cell> cells{all.count()};
  for (const double percent : {50.0, 75.0, 90.0, 99.0, 99.9}) {
    columns.push_back({fmt::format("p{:g}_ms", percent), true});
    cells.emplace_back(in_ms(all.percentile(percent)));
  }
  columns.push_back({"max_ms", true});
  cells.emplace_back(in_ms(all.max()));
  cli::Records records(std::move(columns));
  records.add(std::move(cells));
  cli::write_stdout(records.render(common.resolved_format(), cli::use_color(common.color, cli::stdout_is_terminal())));
}

Result<int> serve_origin(const OriginOptions& options, const cli::Common& common) {
  const int threads = options.threads.value_or(1);
  if (threads < 1 || threads > 256) return self_error(ErrorKind::kUsage, "--threads is 1 to 256");
  RPX_TRY(const net::Listener listener, net::listen_on(options.listen, static_cast<std::size_t>(threads)));
  sigset_t signals;
  sigemptyset(&signals);
  for (const int one : {SIGINT, SIGTERM}) sigaddset(&signals, one);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::vector<std::unique_ptr<OriginThread>> origins;
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    const std::size_t at = std::min(listener.sockets.size() - 1, static_cast<std::size_t>(i));
    origins.push_back(
        std::make_unique<OriginThread>(listener.sockets[at].get(), static_cast<std::uint64_t>(i) + 1, options.awake));
    running.emplace_back([&origin = *origins.back()] { origin.run(); });
  }
  const std::string where = listener.bound.to_string();
  if (!common.quiet) cli::write_stdout(where.starts_with("unix:") ? where + '\n' : "http://" + where + '\n');
  int got = 0;
  sigwait(&signals, &got);
  for (auto& origin : origins) origin->stop();
  for (std::thread& thread : running) thread.join();
  if (options.delays) tell_delays(origins, common);
  return 0;
}

}  // namespace

void add_origin(cli::App& app) {
  auto options = std::make_shared<OriginOptions>();
  app.verb("origin", "be a very fast server that answers as URLs say, until a signal ends it")
      .example("rpx-bench origin -l 127.0.0.1:3000",
               "http://127.0.0.1:3000/?size=10KB&delay=20ms answers 10 KB after 20 ms")
      .example("curl 'http://127.0.0.1:3000/?status=503'",
               "also chunks, trailers, gzip, header, type, close, error, error_rate")
      .option("-l,--listen", "ADDRESS", &options->listen, "where; a free port of 127.0.0.1 without it, which is told")
      .option("-t,--threads", "N", &options->threads, "threads, 1 without it")
      .flag("--awake", options->awake, "wait for the end of each delay awake: exact where timers are late, for a CPU")
      .flag("--delays", options->delays, "tell at the end how long the replies with a delay really took")
      .action([options](const cli::Common& common) {
        const Result<int> done = serve_origin(*options, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::bench
