#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <memory>
#include <system_error>

#include "ask.h"
#include "base/result.h"
#include "net/fd.h"
#include "verbs.h"

namespace rpx::serve {

namespace {

using Object = Poco::JSON::Object;
using Clock = std::chrono::steady_clock;

// The other screen, without a cursor; and back.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";
// Drawn line by line over what was there, so that nothing flickers.
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kClearLine = "\x1b[K";
constexpr std::string_view kClearBelow = "\x1b[J";
constexpr std::size_t kMostConnections = 20;
constexpr Duration kSecond = std::chrono::seconds(1);

struct TopOptions {
  std::optional<Duration> interval;
  int count = 0;  // of looks; 0 = until it is interrupted
};

struct Look {
  Clock::time_point at;
  Object::Ptr status;
  std::vector<Object::Ptr> upstreams;
  std::vector<Object::Ptr> connections;
};

Result<Look> look_at(const control::Client& proxy) {
  Look out{.at = Clock::now(), .status = {}, .upstreams = {}, .connections = {}};
  RPX_TRY(const std::string status, ask(proxy, "GET", "/v1/status"));
  RPX_TRY(out.status, parse_object(status));
  RPX_TRY(out.upstreams, ask_list(proxy, "/v1/upstreams"));
  RPX_TRY(const std::string page, ask(proxy, "GET", fmt::format("/v1/connections?limit={}", kMostConnections)));
  RPX_TRY(const Object::Ptr connections, parse_object(page));
  const auto list = connections->getArray("items");
  for (std::size_t i = 0; !list.isNull() && i < list->size(); ++i)
    out.connections.push_back(list->getObject(static_cast<unsigned>(i)));
  return out;
}

double rate_of(const Object& now, const Object& before, const std::string& member, double seconds) {
  const std::uint64_t grown = number_of(now, member);
  const std::uint64_t was = number_of(before, member);
  // A proxy that was started anew counts from the beginning.
  return grown < was ? 0 : static_cast<double>(grown - was) / seconds;
}

struct Rates {
  double requests = 0;
  double errors = 0;  // replies of 5xx
  double received = 0;
  double sent = 0;
};

Rates rates_of(const Look& now, const Look& before) {
  const double seconds = std::max(0.001, std::chrono::duration<double>(now.at - before.at).count());
  Rates out{.requests = rate_of(*now.status, *before.status, "requests", seconds),
            .errors = 0,
            .received = rate_of(*now.status, *before.status, "bytes_received", seconds),
            .sent = rate_of(*now.status, *before.status, "bytes_sent", seconds)};
  const auto replies = now.status->getObject("responses");
  const auto earlier = before.status->getObject("responses");
  if (!replies.isNull() && !earlier.isNull()) out.errors = rate_of(*replies, *earlier, "5xx", seconds);
  return out;
}

std::uint64_t rounded(double value) { return static_cast<std::uint64_t>(std::llround(value)); }

// One look as one line, for pipes and logs.
std::string line_of(const Look& now, const Rates& rates, cli::Format format) {
  cli::Records records({{"requests_per_s", true},
                        {"errors_per_s", true},
                        {"connections", true},
                        {"exchanges", true},
                        {"received_per_s", true},
                        {"sent_per_s", true},
                        {"lag_s", true}});
  records.add({rounded(rates.requests), rounded(rates.errors), number_of(*now.status, "connections"),
               number_of(*now.status, "exchanges"), rounded(rates.received), rounded(rates.sent),
               now.status->optValue<double>("lag_s", 0)});
  return records.render(format == cli::Format::kJson ? cli::Format::kNdjson : format);
}

const Object* before_of(const Look& look, const std::string& upstream, const std::string& url) {
  for (const Object::Ptr& one : look.upstreams) {
    if (text_of(*one, "name") != upstream) continue;
    const auto servers = one->getArray("servers");
    for (std::size_t i = 0; !servers.isNull() && i < servers->size(); ++i)
      if (const auto server = servers->getObject(static_cast<unsigned>(i)); text_of(*server, "url") == url)
        return server.get();
  }
  return nullptr;
}

std::string servers_of(const Look& now, const Look& before, bool color) {
  const double seconds = std::max(0.001, std::chrono::duration<double>(now.at - before.at).count());
  cli::Records records(
      {{"upstream"}, {"server"}, {"state"}, {"req/s", true}, {"fail/s", true}, {"active", true}, {"why"}});
  for (const Object::Ptr& upstream : now.upstreams) {
    const std::string name = text_of(*upstream, "name");
    const auto servers = upstream->getArray("servers");
    for (std::size_t i = 0; !servers.isNull() && i < servers->size(); ++i) {
      const auto server = servers->getObject(static_cast<unsigned>(i));
      const std::string url = text_of(*server, "url");
      const Object* earlier = before_of(before, name, url);
      const auto rate = [&](const char* member) {
        return earlier == nullptr ? 0.0 : rate_of(*server, *earlier, member, seconds);
      };
      records.add({name, url, text_of(*server, "state"), fmt::format("{:.1f}", rate("requests")),
                   fmt::format("{:.1f}", rate("failures")), number_of(*server, "active"), text_of(*server, "why")});
    }
  }
  return records.render(cli::Format::kTable, color);
}

std::string exchanges_of(const Look& now, bool color) {
  cli::Records records({{"client"}, {"state"}, {"s", true}, {"route"}, {"server"}, {"request"}});
  for (const Object::Ptr& one : now.connections)
    if (text_of(*one, "state") != "idle")
      records.add({text_of(*one, "client"), text_of(*one, "state"),
                   fmt::format("{:.1f}", one->optValue<double>("exchange_s", 0)), text_of(*one, "route"),
                   text_of(*one, "server"), fmt::format("{} {}", text_of(*one, "method"), text_of(*one, "target"))});
  return records.empty() ? std::string() : records.render(cli::Format::kTable, color);
}

std::string screen_of(const Look& now, const Look& before, bool color) {
  const Object& status = *now.status;
  const Rates rates = rates_of(now, before);
  std::string out =
      fmt::format("rpx-serve {}, pid {}, {} workers{}\n", text_of(status, "version"), number_of(status, "pid"),
                  number_of(status, "workers"), text_of(status, "draining") == "true" ? ", stopping" : "");
  out += fmt::format("{:.1f} requests/s, {:.1f} of them 5xx; {} in progress on {} connections, {} without a request\n",
                     rates.requests, rates.errors, number_of(status, "exchanges"), number_of(status, "connections"),
                     number_of(status, "connections_half_open"));
  out += fmt::format(
      "{}/s received, {}/s sent; memory {}; lag {:.1f} ms; refused {}, shed {}, blocked {}, limited {}\n\n",
      bytes_text(rounded(rates.received)), bytes_text(rounded(rates.sent)), bytes_text(number_of(status, "memory")),
      status.optValue<double>("lag_s", 0) * 1000, number_of(status, "connections_refused"),
      number_of(status, "connections_shed"), number_of(status, "blocked"), number_of(status, "limited"));
  out += servers_of(now, before, color);
  const std::string exchanges = exchanges_of(now, color);
  return exchanges.empty() ? out : out + "\n" + exchanges;
}

void draw(const std::string& text) {
  winsize size{};
  std::size_t rows = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1 ? size.ws_row - 1U : 24U;
  std::string screen(kHome);
  for (const char c : text) {
    if (c != '\n') {
      screen += c;
      continue;
    }
    if (--rows == 0) break;
    screen += kClearLine;
    screen += c;
  }
  cli::write_stdout(screen + std::string(kClearBelow));
}

// The terminal as it was, however the verb ends.
class Screen {
 public:
  explicit Screen(bool on) : on_(on) {
    if (on_) cli::write_stdout(kEnter);
  }
  ~Screen() {
    if (on_) cli::write_stdout(kLeave);
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

 private:
  bool on_;
};

// Tells when it is time to end.
class Interrupts {
 public:
  // Errors: kInternal, where the kernel has no descriptor left.
  static Result<Interrupts> open() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    net::UniqueFd fd(signalfd(-1, &set, SFD_CLOEXEC));
    if (!fd)
      return self_error(ErrorKind::kInternal, fmt::format("signalfd: {}", std::generic_category().message(errno)));
    return Interrupts(std::move(fd));
  }
  // True when a signal came within `span`.
  bool wait(Duration span) const {
    pollfd watched{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(span).count();
    return poll(&watched, 1, static_cast<int>(std::clamp<std::int64_t>(ms, 1, 3'600'000))) > 0;
  }

 private:
  explicit Interrupts(net::UniqueFd fd) : fd_(std::move(fd)) {}
  net::UniqueFd fd_;
};

Result<int> top(const TopOptions& options, const cli::Common& common) {
  RPX_TRY(const control::Client proxy, find_proxy(common));
  RPX_TRY(Look before, look_at(proxy));
  const cli::Format format = common.resolved_format();
  const bool full_screen = format == cli::Format::kTable && cli::stdout_is_terminal();
  const bool color = cli::use_color(common.color, cli::stdout_is_terminal());
  RPX_TRY(const Interrupts interrupts, Interrupts::open());
  const Screen screen(full_screen);
  if (full_screen) draw(screen_of(before, before, color));
  for (int n = 0; options.count <= 0 || n < options.count; ++n) {
    if (interrupts.wait(options.interval.value_or(kSecond))) break;
    RPX_TRY(Look now, look_at(proxy));
    if (full_screen)
      draw(screen_of(now, before, color));
    else if (format == cli::Format::kTable)
      cli::write_stdout(screen_of(now, before, color) + "\n");
    else
      cli::write_stdout(line_of(now, rates_of(now, before), format));
    before = std::move(now);
  }
  return 0;
}

}  // namespace

void add_top(cli::App& app) {
  auto options = std::make_shared<TopOptions>();
  app.verb("top", "show what the running proxy is doing, live; a line a look when stdout is no terminal")
      .example("rpx-serve top", "rates, servers, and the requests that take longest, until Ctrl-C")
      .example("rpx-serve top --interval 10s -o ndjson >> load.ndjson", "for a script")
      .option("--interval", "DURATION", &options->interval, "between two looks; default 1s")
      .option("-n,--count", "N", &options->count, "looks, then the end; 0 = until Ctrl-C")
      .action([options](const cli::Common& common) {
        const Result<int> done = top(*options, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::serve
