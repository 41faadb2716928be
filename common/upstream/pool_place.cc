// How a pool finds a place at a server with max_connections, and waits for one; beside pool.cc, which does the rest.
#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "upstream/gone_watch.h"
#include "upstream/member.h"

namespace rpx::upstream {
namespace {

// Places that nobody gave back come with a change of state: a server that is well again. Nobody tells of these.
constexpr Duration kLookAgain = std::chrono::milliseconds(100);

// A server that may be back is tried by one request for so long.
constexpr Duration kScout = std::chrono::milliseconds(250);

std::string full_text(Duration patience) {
  return fmt::format("no server had a place within connect.queue ({:g} s)",
                     std::chrono::duration<double>(patience).count());
}

}  // namespace

Result<Member*> Pool::try_place(std::span<Member* const> tried, std::uint64_t key, Place& place, bool hold) {
  for (;;) {
    if (hold && !anybody_well()) return nullptr;
    Member* member = pick(tried, key);
    if (!member && saw_full_) return nullptr;
    if (!member) return upstream_error(ErrorKind::kNoServer, "no server is left to try");
    const std::shared_ptr<Server>& server = server_of(*member);
    // Another worker may have been quicker: the server is full then, and pick() passes over it.
    if (server->is_limited() && !server->enter()) continue;
    if (server->is_limited()) place = Place(server, queue_);
    // One of those who wait finds out whether it is back; the others hear of it.
    if (hold_ > Duration::zero() && member->down_for > Duration::zero()) rest(*member, kScout);
    return member;
  }
}

Member* Pool::pick_bound(const Server& server, Place& place) {
  const auto member = std::ranges::find_if(members_, [&](const auto& one) { return server_of(*one).get() == &server; });
  if (member == members_.end() || !server.state().keeps_sessions() || is_down(**member)) return nullptr;
  const std::shared_ptr<Server>& shared = server_of(**member);
  if (!limited_ || !shared->is_limited()) return member->get();
  if (!shared->enter()) return nullptr;
  place = Place(shared, queue_);
  return member->get();
}

rt::Task<Result<Member*>> Pool::pick_place(std::span<Member* const> tried, std::uint64_t key, WaitingClient client,
                                           Place& place, Instant hold_until) {
  // Who comes now does not overtake those who wait.
  if (queue_->waiting() == 0) {
    RPX_CO_TRY(Member* const found, try_place(tried, key, place, loop_.now() < hold_until));
    if (found) co_return found;
  }
  const Instant asked = loop_.now();
  const bool waits = connect_.queue > Duration::zero() || (asked < hold_until && !anybody_well());
  const std::uint32_t most = waits ? connect_.max_pending : 0;
  Queue::Ticket ticket(queue_, loop_, most);
  if (!ticket.joined())
    co_return upstream_error(ErrorKind::kPoolFull,
                             fmt::format("no server can take more now, and {} requests wait", most));
  const GoneWatch gone(client, ticket.event());
  for (;;) {
    if (client.is_gone()) co_return std::unexpected(client.error());
    const Instant now = loop_.now();
    const bool nobody = !anybody_well();
    const bool hold = nobody && now < hold_until;
    // Whoever comes back will do, one that failed before too.
    if (hold) tried = {};
    // Where nobody is well and the time is over there is nothing left to be in turn for.
    if (ticket.may_look() || (nobody && !hold)) {
      RPX_CO_TRY(Member* const found, try_place(tried, key, place, hold));
      if (found) co_return found;
      // What is free is nothing to this request: others need not wait for it.
      if (!hold && !tried.empty()) ticket.step_aside();
    }
    const Instant deadline = hold ? hold_until : deadline_after(asked, connect_.queue);
    if (now >= deadline) co_return upstream_error(ErrorKind::kPoolFull, full_text(connect_.queue));
    co_await ticket.event().wait(std::min(deadline, now + kLookAgain));
  }
}

}  // namespace rpx::upstream
