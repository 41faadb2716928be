// How a pool finds a place at a server with max_connections, and waits for one; beside pool.cc, which does the rest.
#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "upstream/pool.h"

namespace rpx::upstream {
namespace {

// Places that nobody gave back come with a change of state: a server that is well again. Nobody tells of these.
constexpr Duration kLookAgain = std::chrono::milliseconds(100);

// Ends the wait of a client that is gone.
class GoneWatch final : rt::Waiter {
 public:
  GoneWatch(net::Stream* client, rt::Event& event) : client_(client), event_(event) { watch(); }
  ~GoneWatch() {
    if (client_) client_->io().clear_read_waiter(this);
  }
  GoneWatch(const GoneWatch&) = delete;
  GoneWatch& operator=(const GoneWatch&) = delete;

 private:
  void watch() {
    if (client_) client_->io().set_read_waiter(this);
  }
  void wake() override {
    // More requests, or a client that has only closed its sending side: go on.
    if (client_->io().hung_up())
      event_.notify_all();
    else
      watch();
  }
  net::Stream* client_;
  rt::Event& event_;
};

}  // namespace

Result<Member*> Pool::try_place(std::span<Member* const> tried, std::uint64_t key, Place& place) {
  for (;;) {
    Member* member = pick(tried, key);
    if (!member && saw_full_) return nullptr;
    if (!member) return upstream_error(ErrorKind::kNoServer, "no server is left to try");
    const std::shared_ptr<Server>& server = server_of(*member);
    if (!server->is_limited()) return member;
    // Another worker may have been quicker: the server is full then, and pick() passes over it.
    if (!server->enter()) continue;
    place = Place(server, queue_);
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

rt::Task<Result<Member*>> Pool::pick_place(std::span<Member* const> tried, std::uint64_t key, net::Stream* client,
                                           Place& place) {
  // Who comes now does not overtake those who wait.
  if (queue_->waiting() == 0) {
    RPX_CO_TRY(Member* const found, try_place(tried, key, place));
    if (found) co_return found;
  }
  const Duration patience = connect_.queue;
  const std::uint32_t most = connect_.max_pending;
  Queue::Ticket ticket(queue_, loop_, patience <= Duration::zero() ? 0 : most);
  if (!ticket.joined())
    co_return upstream_error(ErrorKind::kPoolFull,
                             fmt::format("every server has its max_connections, and {} requests wait", most));
  const GoneWatch gone(client, ticket.event());
  const Instant deadline = deadline_after(loop_.now(), patience);
  for (;;) {
    if (client && client->io().hung_up()) co_return client_error(ErrorKind::kReset, "the client went away");
    if (ticket.at_front()) {
      RPX_CO_TRY(Member* const found, try_place(tried, key, place));
      if (found) co_return found;
    }
    if (loop_.now() >= deadline)
      co_return upstream_error(ErrorKind::kPoolFull, fmt::format("no server had a place within connect.queue ({:g} s)",
                                                                 std::chrono::duration<double>(patience).count()));
    co_await ticket.event().wait(std::min(deadline, loop_.now() + kLookAgain));
  }
}

}  // namespace rpx::upstream
