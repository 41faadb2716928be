#include "upstream/pool.h"

#include <sys/socket.h>

#include <algorithm>

#include "balance/random.h"
#include "base/log.h"
#include "base/result.h"
#include "net/buffer.h"
#include "upstream/dial.h"
#include "upstream/member.h"

namespace rpx::upstream {
namespace {

// A server that could not be connected to is passed over for a moment, longer each time, so that a dead one
// costs a few requests a connect attempt and not all of them.
constexpr Duration kDownFirst = std::chrono::seconds(1);
constexpr Duration kDownMost = std::chrono::seconds(10);
// Where requests wait for it to come back it is looked for more often, by one of them at a time.
constexpr Duration kDownHeld = std::chrono::milliseconds(250);

}  // namespace

// Something happened on a kept connection: the server closed it, or says what nobody asked. Either way it is over,
// unless it was TLS alone that had something to say, such as a session ticket.
void Lease::Connection::wake() {
  char byte = 0;
  if (!stream->is_plain() && stream->try_read({&byte, 1}).state == net::IoState::kWouldBlock &&
      !stream->io().may_read()) {
    stream->io().set_read_waiter(this);
    return;
  }
  member.drop_idle(this);
}

Lease::Lease(Pool& pool, Member& member, std::unique_ptr<Connection> connection) noexcept
    : pool_(&pool), member_(&member), connection_(std::move(connection)) {
  ++member.active;
  member.server->counters().active.fetch_add(1, std::memory_order_relaxed);
}

Lease::Lease() noexcept = default;
Lease::~Lease() { drop(); }
Lease::operator bool() const noexcept { return connection_ != nullptr; }

Lease::Lease(Lease&& other) noexcept
    : pool_(other.pool_), member_(std::exchange(other.member_, nullptr)), connection_(std::move(other.connection_)) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this == &other) return *this;
  drop();
  pool_ = other.pool_;
  member_ = std::exchange(other.member_, nullptr);
  connection_ = std::move(other.connection_);
  return *this;
}

net::Stream& Lease::stream() noexcept { return *connection_->stream; }
http::H2Slot* Lease::slot() noexcept { return connection_->slot.get(); }
bool Lease::reused() const noexcept { return connection_->reused; }
Server& Lease::server() noexcept { return *member_->server; }

void Lease::give_back(Duration server_idle) {
  if (!connection_->slot) pool_->keep(*member_, std::move(connection_), server_idle);
  leave();
  pool_->ended(*std::exchange(member_, nullptr));
}

void Lease::drop() noexcept {
  if (!member_) return;
  leave();
  pool_->ended(*std::exchange(member_, nullptr));
}

Pool::Pool(rt::Loop& loop, std::uint64_t seed) : loop_(loop), seed_(seed) {}

Pool::~Pool() {
  for (const auto& member : members_) {
    member->mark_up();
    member->drop_all_idle();
    member->drop_shared();
  }
}

void Pool::configure(const UpstreamOptions& options, std::span<const std::shared_ptr<Server>> servers,
                     std::shared_ptr<Queue> queue) {
  queue_ = std::move(queue);
  limited_ = std::ranges::any_of(servers, [](const auto& server) { return server->is_limited(); });
  hold_ = options.hold;
  panic_ = options.panic;
  std::vector<std::unique_ptr<Member>> before = std::move(members_);
  members_.clear();
  bool same = before.size() == servers.size() && balance_ == options.balance;
  for (const std::shared_ptr<Server>& server : servers) {
    const auto known = std::ranges::find_if(before, [&](const auto& one) { return one && one->server == server; });
    if (known != before.end()) {
      same &= static_cast<std::size_t>(known - before.begin()) == members_.size();
      members_.push_back(std::move(*known));
    } else {
      same = false;
      members_.push_back(std::make_unique<Member>());
      members_.back()->server = server;
    }
  }
  for (auto& gone : before) {
    if (!gone) continue;
    gone->retired = true;
    gone->mark_up();
    gone->drop_all_idle();
    gone->drop_shared();
    if (gone->active != 0) retired_.push_back(std::move(gone));
  }
  connect_ = options.connect;
  // A connection that began with one client's address is not for another.
  if (options.proxy_protocol != 0) connect_.keepalive = 0;
  for (const auto& member : members_)
    if (connect_.keepalive == 0) member->drop_all_idle();
  use_protocol(options.protocol);
  if (!same || !policy_) {
    balance_ = options.balance;
    policy_ = balance::make_policy(options.balance);
    policy_->reset(members_.size(), seed_);
  }
  wants_ = balance::wants_of(balance_);
  eject_ = options.eject;
  breaker_ = options.breaker;
  hedge_ = options.hedge;
  for (const auto& member : members_) {
    if (!eject_) end_ejection(*member->server);
    if (!breaker_) close_circuit(*member->server);
  }
  set_tiers();
  endpoints_.assign(members_.size(), {});
  for (std::size_t i = 0; i < members_.size(); ++i) endpoints_[i].id = balance::hash_of(members_[i]->server->url());
}

Lease Pool::reuse(Member& member, bool careful) {
  if (shares_)
    if (Lease shared = share(member, true)) return shared;
  while (!member.idle.empty()) {
    std::unique_ptr<Lease::Connection> connection = std::move(member.idle.back());
    member.idle.pop_back();
    member.server->counters().idle.fetch_sub(1, std::memory_order_relaxed);
    rt::Pollable& io = connection->stream->io();
    io.clear_read_waiter(connection.get());
    if (io.may_read()) continue;
    if (careful) {
      char byte = 0;
      const auto got = recv(io.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
      if (got >= 0 || errno != EAGAIN) continue;
    }
    connection->reused = true;
    return Lease(*this, member, std::move(connection));
  }
  return {};
}

rt::Task<Result<Lease>> Pool::connect(Member& member, std::string_view preface) {
  // Held as a lease from here on, so that the member outlives a reload that happens meanwhile.
  Lease lease(*this, member, nullptr);
  RPX_CO_TRY(std::unique_ptr<net::Stream> stream, co_await dial_any(member, preface, {}));
  lease.connection_ = std::make_unique<Lease::Connection>(std::move(stream), member);
  co_return lease;
}

rt::Task<Result<std::unique_ptr<net::Stream>>> Pool::dial_any(Member& member, std::string_view preface,
                                                              std::string_view alpn) {
  if (member.version != member.server->version() || member.addresses.empty()) {
    member.version = member.server->version();
    member.addresses = member.server->addresses();
    member.next_address = 0;
  }
  Error last{ErrorKind::kUnresolved, Side::kUpstream, member.server->target().host + " does not resolve"};
  const Server& server = *member.server;
  if (server.tls() && !member.session) member.session = std::make_shared<tls::SessionSlot>();
  const Security security{server.tls(), server.target().name, member.session, std::string(preface), std::string(alpn)};
  const std::size_t count = member.addresses.size();
  for (std::size_t n = 0; n < count; ++n) {
    const std::size_t at = (member.next_address + n) % count;
    if (at >= member.addresses.size()) break;  // they changed meanwhile
    const Address to = member.addresses[at];
    Result<std::unique_ptr<net::Stream>> stream =
        co_await dial(loop_, to, security, deadline_after(loop_.now(), connect_.timeout));
    if (stream) {
      member.next_address = at;
      member.server->counters().connects.fetch_add(1, std::memory_order_relaxed);
      worked(member);
      co_return stream;
    }
    last = stream.error();
  }
  // What we cannot do ourselves, such as opening a further descriptor, is not the server's fault.
  if (last.side != Side::kSelf) failed(member, last);
  co_return std::unexpected(last);
}

void Pool::keep(Member& member, std::unique_ptr<Lease::Connection> connection, Duration server_idle) {
  if (member.retired || member.idle.size() >= connect_.keepalive || connect_.idle <= Duration::zero()) return;
  rt::Pollable& io = connection->stream->io();
  if (io.may_read()) {
    // The flag may merely be left over from a read that took exactly what was there; one more read settles it.
    char byte = 0;
    if (connection->stream->try_read({&byte, 1}).state != net::IoState::kWouldBlock || io.may_read()) return;
  }
  Duration idle = connect_.idle;
  // A little less than the server's own patience, so that the two do not cross on the wire.
  if (server_idle > Duration::zero()) idle = std::min(idle, server_idle * 9 / 10);
  connection->expires = loop_.now() + idle;
  io.set_read_waiter(connection.get());
  member.idle.push_back(std::move(connection));
  member.server->counters().idle.fetch_add(1, std::memory_order_relaxed);
}

void Pool::ended(Member& member) noexcept {
  --member.active;
  member.server->counters().active.fetch_sub(1, std::memory_order_relaxed);
  if (member.retired && member.active == 0)
    std::erase_if(retired_, [&member](const auto& one) { return one.get() == &member; });
}

void Pool::worked(Member& member) noexcept {
  if (member.down_for == Duration::zero()) return;
  member.mark_up();
  log_event(LogLevel::kNotice, "server is back",
            {{"upstream", member.server->upstream()}, {"server", member.server->url()}});
  if (queue_) queue_->wake_front();
  // The last of the workers that avoided it.
  if (member.server->counters().down_workers.load(std::memory_order_relaxed) == 0)
    member.server->tell(EventKind::kServer, "reachable", "a request reached it");
}

void Pool::failed(Member& member, const Error& error) {
  Server& server = *member.server;
  server.counters().failures.fetch_add(1, std::memory_order_relaxed);
  server.set_last_failure(error.detail);
  if (member.down_for == Duration::zero()) {
    const bool first = server.counters().down_workers.fetch_add(1, std::memory_order_relaxed) == 0;
    log_event(LogLevel::kWarning, "server cannot be reached",
              {{"upstream", server.upstream()}, {"server", server.url()}, {"reason", error.detail}});
    if (first) server.tell(EventKind::kServer, "unreachable", error.detail);
  }
  member.down_for = member.down_for == Duration::zero() ? kDownFirst : std::min(member.down_for * 2, kDownMost);
  if (hold_ > Duration::zero()) member.down_for = kDownHeld;
  member.down_until = loop_.now() + member.down_for;
}

void Pool::sweep(Instant now) {
  if (eject_ && eject_->latency != 0) eject_laggards(now);
  for (const auto& member : members_) {
    if (member->server->state().expire(now)) {
      log_event(LogLevel::kNotice, "server is ready again, its time is over",
                {{"upstream", member->server->upstream()}, {"server", member->server->url()}});
      member->server->tell(EventKind::kServer, "ready", "its time is over");
    }
    const std::size_t before = member->idle.size();
    std::erase_if(member->idle, [now](const auto& one) { return one->expires <= now; });
    member->server->counters().idle.fetch_sub(static_cast<std::int64_t>(before - member->idle.size()),
                                              std::memory_order_relaxed);
    if (shares_) member->drop_shared(now - connect_.idle);
  }
}

}  // namespace rpx::upstream
