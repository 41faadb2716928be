#include <fmt/format.h>

#include <chrono>

#include "ask.h"
#include "base/result.h"
#include "verbs.h"

namespace rpx::serve {

namespace {

using Object = Poco::JSON::Object;
using Facts = std::vector<std::pair<std::string, std::string>>;

std::string count_of(const Object& status, const std::string& member) {
  return cli::format_count(number_of(status, member));
}

// "1d 2h", "3h 4m", "5m 6s", "7s": two units are enough to judge by.
std::string uptime_text(std::uint64_t seconds) {
  if (seconds >= 86400) return fmt::format("{}d {}h", seconds / 86400, seconds % 86400 / 3600);
  if (seconds >= 3600) return fmt::format("{}h {}m", seconds / 3600, seconds % 3600 / 60);
  if (seconds >= 60) return fmt::format("{}m {}s", seconds / 60, seconds % 60);
  return fmt::format("{}s", seconds);
}

std::string seconds_text(double seconds) {
  return seconds < 1 ? fmt::format("{:.0f} ms", seconds * 1000) : fmt::format("{:.1f} s", seconds);
}

std::string responses_text(const Object& status) {
  const auto responses = status.getObject("responses");
  std::string out;
  for (const char* name : {"1xx", "2xx", "3xx", "4xx", "5xx"}) {
    const std::uint64_t count = responses.isNull() ? 0 : number_of(*responses, name);
    if (count > 0) out += fmt::format(", {} {}", cli::format_count(count), name);
  }
  return out;
}

// "gzip 12 replies, 1.0 MiB to 200.0 KiB (20 %) in 14 ms": only codings that were used. `what` is replies or requests.
std::string coded_text(const Object& status, const std::string& member, const std::string& what) {
  std::string out;
  const auto codings = status.getObject(member);
  if (codings.isNull()) return out;
  const bool undone = member.starts_with("de");
  for (const std::string& name : codings->getNames()) {
    const auto coding = codings->getObject(name);
    if (number_of(*coding, what) == 0) continue;
    const std::string plain = bytes_text(number_of(*coding, "plain_bytes"));
    const std::string coded = bytes_text(number_of(*coding, "coded_bytes"));
    const double share = 100.0 * static_cast<double>(number_of(*coding, "coded_bytes")) /
                         std::max(1.0, static_cast<double>(number_of(*coding, "plain_bytes")));
    out +=
        fmt::format("{}{} {} {}, {} to {} ({:.0f} %) in {}", out.empty() ? "" : "; ", name, count_of(*coding, what),
                    what, undone ? coded : plain, undone ? plain : coded,
                    undone ? 10000 / std::max(0.01, share) : share, seconds_text(coding->getValue<double>("seconds")));
  }
  return out;
}

// "a.test valid until 2026-02-01, renewed 2026-01-02": a line for each name of [acme].
void add_acme(Facts& facts, const Object& acme) {
  const auto names = acme.getArray("names");
  for (std::size_t i = 0; !names.isNull() && i < names->size(); ++i) {
    const auto one = names->getObject(static_cast<unsigned>(i));
    const std::string until = text_of(*one, "not_after").substr(0, 10);
    std::string text = fmt::format("{} {}", text_of(*one, "name"), text_of(*one, "state"));
    if (!until.empty()) text += fmt::format(", until {}", until);
    if (const std::string why = text_of(*one, "error"); !why.empty())
      text += fmt::format(" ({}; next attempt {})", why, text_of(*one, "next"));
    else if (const std::string renew = text_of(*one, "renew").substr(0, 10); !renew.empty())
      text += fmt::format(", renewed {}", renew);
    facts.emplace_back("acme", std::move(text));
  }
}

Facts facts_of(const Object& status, const std::vector<Object::Ptr>& upstreams) {
  Facts facts;
  const bool draining = text_of(status, "draining") == "true";
  facts.emplace_back("proxy",
                     fmt::format("rpx-serve {}, pid {}, up {}{}", text_of(status, "version"), number_of(status, "pid"),
                                 uptime_text(static_cast<std::uint64_t>(status.getValue<double>("uptime"))),
                                 draining ? ", stopping" : ""));
  const std::string config = text_of(status, "config");
  facts.emplace_back("config", fmt::format("{}, generation {}", config.empty() ? "from the command line" : config,
                                           number_of(status, "generation")));
  facts.emplace_back("control", text_of(status, "control"));
  const auto listeners = status.getArray("listeners");
  for (std::size_t i = 0; !listeners.isNull() && i < listeners->size(); ++i) {
    const auto listener = listeners->getObject(static_cast<unsigned>(i));
    const std::string name = text_of(*listener, "name");
    const std::string address = text_of(*listener, "address");
    facts.emplace_back("listener", name == address ? address : fmt::format("{} ({})", address, name));
  }
  facts.emplace_back("connections",
                     fmt::format("{} open, {} accepted, {} refused", count_of(status, "connections"),
                                 count_of(status, "connections_accepted"), count_of(status, "connections_refused")));
  facts.emplace_back("requests", fmt::format("{}, {} in progress{}", count_of(status, "requests"),
                                             count_of(status, "exchanges"), responses_text(status)));
  facts.emplace_back("traffic", fmt::format("{} received, {} sent", bytes_text(number_of(status, "bytes_received")),
                                            bytes_text(number_of(status, "bytes_sent"))));
  for (const std::string done : {"compressed", "decompressed"}) {
    for (const std::string what : {"replies", "requests"})
      if (std::string text = coded_text(status, what == "replies" ? done : done + "_requests", what); !text.empty())
        facts.emplace_back(done, std::move(text));
  }
  facts.emplace_back("memory", bytes_text(number_of(status, "memory")));
  for (const Object::Ptr& upstream : upstreams) {
    const auto servers = upstream->getArray("servers");
    for (std::size_t i = 0; !servers.isNull() && i < servers->size(); ++i) {
      const auto server = servers->getObject(static_cast<unsigned>(i));
      const std::string why = text_of(*server, "why");
      const std::string name = text_of(*upstream, "name");
      const bool named = i == 0 && name != text_of(*server, "url");
      facts.emplace_back(
          i == 0 ? "upstream" : "",
          fmt::format("{}{} {}{}, {} requests, {} failures", named ? name + ": " : "", text_of(*server, "url"),
                      text_of(*server, "state"), why.empty() ? "" : " (" + why + ")", count_of(*server, "requests"),
                      count_of(*server, "failures")));
    }
  }
  return facts;
}

std::string as_table(const Facts& facts) {
  std::size_t width = 0;
  for (const auto& [name, value] : facts) width = std::max(width, name.size());
  std::string out;
  for (const auto& [name, value] : facts) out += fmt::format("{:<{}}  {}\n", name, width, value);
  return out;
}

// Member by member, for programs that would rather not read JSON.
std::string as_records(const Object& status, cli::Format format) {
  cli::Records records({{"name"}, {"value"}});
  for (const std::string& name : status.getNames()) {
    if (const auto nested = status.getObject(name); !nested.isNull()) {
      for (const std::string& inner : nested->getNames()) {
        const auto deep = nested->getObject(inner);
        if (deep.isNull()) {
          records.add({fmt::format("{}.{}", name, inner), text_of(*nested, inner)});
          continue;
        }
        for (const std::string& fact : deep->getNames())
          records.add({fmt::format("{}.{}.{}", name, inner, fact), text_of(*deep, fact)});
      }
    } else if (const auto list = status.getArray(name); !list.isNull()) {
      for (std::size_t i = 0; i < list->size(); ++i) {
        const auto item = list->getObject(static_cast<unsigned>(i));
        records.add({"listener." + text_of(*item, "name"), text_of(*item, "address")});
      }
    } else {
      records.add({name, text_of(status, name)});
    }
  }
  return records.render(format);
}

Result<int> status(const cli::Common& common) {
  RPX_TRY(const control::Client proxy, find_proxy(common));
  RPX_TRY(const std::string body, ask(proxy, "GET", "/v1/status"));
  const cli::Format format = common.resolved_format();
  if (format == cli::Format::kJson || format == cli::Format::kNdjson) {
    cli::write_stdout(body);
    return 0;
  }
  RPX_TRY(const Object::Ptr object, parse_object(body));
  if (format == cli::Format::kTable) {
    RPX_TRY(const auto upstreams, ask_list(proxy, "/v1/upstreams"));
    Facts facts = facts_of(*object, upstreams);
    RPX_TRY(const std::string acme, ask(proxy, "GET", "/v1/acme"));
    RPX_TRY(const Object::Ptr names, parse_object(acme));
    add_acme(facts, *names);
    cli::write_stdout(as_table(facts));
  } else {
    cli::write_stdout(as_records(*object, format));
  }
  return 0;
}

}  // namespace

void add_status(cli::App& app) {
  app.verb("status", "tell how the running proxy does")
      .example("rpx-serve status", "exit status 3 when it does not run")
      .example("rpx-serve status -o json | jq .requests", "one number of it")
      .action([](const cli::Common& common) {
        const Result<int> done = status(common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::serve
