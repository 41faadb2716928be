#include <fmt/format.h>
#include <sys/resource.h>

#include <array>
#include <cmath>
#include <memory>
#include <optional>

#include "base/result.h"
#include "cli/terminal.h"
#include "drill.h"
#include "show.h"
#include "verbs.h"

namespace rpx::bench {
namespace {

struct DrillWish {
  std::vector<std::string> operands;
  int connections = 200;
  std::optional<Duration> duration;
  bool own = false;
  bool insecure = false;
  std::string ca;
};

constexpr std::array<std::pair<std::string_view, DrillKind>, 6> kDrills{{{"slowloris", DrillKind::kSlowloris},
                                                                         {"slow-body", DrillKind::kSlowBody},
                                                                         {"slow-read", DrillKind::kSlowRead},
                                                                         {"idle", DrillKind::kIdle},
                                                                         {"reset", DrillKind::kReset},
                                                                         {"rapid-reset", DrillKind::kRapidReset}}};

std::optional<DrillKind> kind_called(std::string_view name) noexcept {
  for (const auto& [known, kind] : kDrills)
    if (known == name) return kind;
  return std::nullopt;
}

Status allow(const std::vector<Address>& addresses, bool own) {
  for (const Address& address : addresses)
    if (!own && !address.is_unix() && !address.ip.is_loopback())
      return self_error(ErrorKind::kOverload,
                        fmt::format("{} is not this machine; drills are for servers of one's own: pass "
                                    "--i-own-this-host if it is yours",
                                    address.to_string()));
  return {};
}

Result<int> drill(const DrillWish& wish, const cli::Common& common) {
  if (wish.operands.size() != 2)
    return self_error(ErrorKind::kUsage, "drill takes a kind and a URL, as in drill slowloris http://127.0.0.1:8080/");
  DrillOptions options{.connections = wish.connections};
  const auto kind = kind_called(wish.operands[0]);
  if (!kind)
    return self_error(
        ErrorKind::kUsage,
        fmt::format("there is no drill \"{}\"; there are slowloris, slow-body, slow-read, idle, reset and "
                    "rapid-reset",
                    wish.operands[0]));
  options.kind = *kind;
  if (wish.connections < 1 || wish.connections > 100000)
    return self_error(ErrorKind::kUsage, "--connections is 1 to 100000");
  if (wish.duration) options.duration = *wish.duration;
  if (common.timeout) options.timeout = *common.timeout;
  RPX_TRY(const Target target, parse_target_url(wish.operands[1]));
  if (target.server.tls) {
    RPX_TRY(options.tls, tls::ClientContext::build({!wish.insecure, wish.ca, "", "", ""}));
  }
  RPX_TRY(const std::vector<Address> addresses, addresses_of(target.server, options.timeout));
  RPX_TRY_VOID(allow(addresses, wish.own));
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  RPX_TRY(const DrillResult result, run_drill(target, addresses, options));
  cli::Records records({{"drill"},
                        {"opened", true},
                        {"refused", true},
                        {"cut", true},
                        {"held", true},
                        {"sent", true},
                        {"asked", true},
                        {"served", true},
                        {"slowest_ms", true}});
  records.add({wish.operands[0], result.opened, result.refused, result.cut, result.held, result.sent, result.asked,
               result.served, std::round(static_cast<double>(result.slowest.count()) / 1e4) / 100});
  if (!common.quiet) cli::write_stdout(records.render(common.resolved_format(), false));
  return cli::to_int(result.served == result.asked ? cli::ExitCode::kDone : cli::ExitCode::kFalse);
}

}  // namespace

void add_drill(cli::App& app) {
  auto wish = std::make_shared<DrillWish>();
  app.verb("drill", "misbehave towards a server of one's own, and see whether it still serves others")
      .example("rpx-bench drill slowloris http://127.0.0.1:8080/", "200 connections that never finish their heads")
      .example("rpx-bench drill rapid-reset -c 20 http://127.0.0.1:8080/", "also slow-body, slow-read, idle, reset")
      .option("-c,--connections", "N", &wish->connections, "connections that misbehave, 200 without it")
      .option("-d,--duration", "DURATION", &wish->duration, "how long, 10s without it")
      .flag("-k,--insecure", wish->insecure, "take any certificate")
      .option("--ca", "FILE", &wish->ca, "trust these authorities instead of the system's")
      .flag("--i-own-this-host", wish->own, "also where the server is not on this machine")
      .operand("KIND URL", &wish->operands, "what to do, and to whom", true)
      .action([wish](const cli::Common& common) {
        const Result<int> done = drill(*wish, common);
        if (!done && done.error().kind == ErrorKind::kOverload)
          return cli::report_error(kTool, cli::ExitCode::kRefused, done.error().detail);
        return done ? *done : report_unreachable(done.error());
      });
}

}  // namespace rpx::bench
