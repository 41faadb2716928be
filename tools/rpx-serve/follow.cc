#include "follow.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "ask.h"
#include "base/result.h"
#include "cli/terminal.h"
#include "source.h"

namespace rpx::serve {

namespace {

constexpr Duration kConnect = std::chrono::seconds(10);
constexpr Duration kLookAgain = std::chrono::seconds(1);
// An answer that waits for another event shows that the watcher is not far behind; nothing is looked at in between.
constexpr Duration kNever = std::chrono::hours(1);

void say(const cli::Common& common, std::string_view tool, std::string_view what) {
  if (!common.quiet) cli::write_stderr(fmt::format("{}: {}\n", tool, what));
}

Status show(const cli::Common& common, const Watching& what, const control::Followed& event) {
  if (event.kind == "dropped") {
    say(common, what.tool, "more happens than can be shown: " + event.json);
    return {};
  }
  RPX_TRY(const Poco::JSON::Object::Ptr object, parse_object(event.json));
  if (what.quiet_events || (what.wanted && !what.wanted(*object))) return {};
  const bool json = common.format == cli::Format::kJson || common.format == cli::Format::kNdjson ||
                    (common.format == cli::Format::kAuto && !cli::stdout_is_terminal());
  cli::write_stdout((json || !what.line ? event.json : what.line(*object)) + '\n');
  return {};
}

}  // namespace

Result<int> watch(const cli::Common& common, const Watching& what) {
  RPX_TRY(std::string socket, find_socket(common));
  control::EventFollower follower(std::move(socket), what.kinds, kConnect);
  const Instant until = deadline_after(std::chrono::steady_clock::now(), common.timeout.value_or(kForever));
  // Connected before the first look, so that nothing falls between the two.
  RPX_TRY_VOID(follower.open());
  if (what.look) RPX_TRY_VOID(what.look());
  for (;;) {
    const Instant now = std::chrono::steady_clock::now();
    if (now >= until) return 0;
    RPX_TRY(const auto next, follower.next(std::min<Duration>(until - now, what.every_second ? kLookAgain : kNever)));
    bool look = what.every_second && !next;
    if (next && next->what == control::Followed::What::kLost)
      say(common, what.tool, "the proxy has gone; waiting for it");
    if (next && next->what == control::Followed::What::kBack) {
      say(common, what.tool, "the proxy is back");
      look = true;
    }
    if (next && next->what == control::Followed::What::kEvent) {
      RPX_TRY_VOID(show(common, what, *next));
      look |= what.quiet_events;
    }
    // A proxy that goes at this very moment is noticed by the next call.
    if (look && what.look) [[maybe_unused]]
      const Status looked = what.look();
  }
}

std::string clock_of(const Poco::JSON::Object& event) {
  const std::string time = text_of(event, "time");
  const auto clock = time.find('T');
  return clock == std::string::npos ? time : time.substr(clock + 1, 8);
}

}  // namespace rpx::serve
