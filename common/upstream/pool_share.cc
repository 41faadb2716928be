// How requests share connections to servers that speak HTTP/2; beside pool.cc, which does the rest.
#include <algorithm>

#include "base/result.h"
#include "upstream/dial.h"
#include "upstream/member.h"
#include "upstream/pool.h"

namespace rpx::upstream {
namespace {

// Whoever dials for all tells the others how that ended, even when its task is destroyed half-way: then another dials.
class DialsForAll {
 public:
  DialsForAll(Member& member, rt::Loop& loop) : member_(member), dialing_(std::make_shared<Dialing>(loop)) {
    member.dialing = dialing_;
  }
  ~DialsForAll() {
    member_.dialing.reset();
    dialing_->ended.notify_all();
  }
  DialsForAll(const DialsForAll&) = delete;
  DialsForAll& operator=(const DialsForAll&) = delete;
  void failed(const Error& error) { dialing_->error = error; }

 private:
  Member& member_;
  std::shared_ptr<Dialing> dialing_;
};

// A connection whose server has not said yet how many calls it takes.
std::shared_ptr<http::H2Client> youngest(const Member& member) {
  const auto at = std::ranges::find_if(member.shared, [](const auto& client) { return client->young(); });
  return at == member.shared.end() ? nullptr : *at;
}

}  // namespace

void Member::drop_shared(Instant idle_before) {
  std::erase_if(shared, [&](const auto& client) {
    const bool unused = client->slots() == 0;
    if (!client->over() && !(unused && client->idle_since() <= idle_before)) return false;
    if (unused) server->counters().idle.fetch_sub(1, std::memory_order_relaxed);
    return true;
  });
}

void Member::drop_shared() {
  for (const auto& client : shared) {
    if (client->slots() == 0) server->counters().idle.fetch_sub(1, std::memory_order_relaxed);
    client->retire();
  }
  shared.clear();
}

void Pool::use_protocol(const std::string& protocol) {
  if (protocol_ == protocol) return;
  // What was agreed on before holds no longer.
  for (const auto& member : members_) {
    member->drop_all_idle();
    member->drop_shared();
    member->speaks_h1 = false;
  }
  protocol_ = protocol;
  // In the clear nothing can be agreed on, and "auto" is HTTP/1.
  shares_ = protocol != "http/1.1";
}

Lease Pool::lease_on(Member& member, std::shared_ptr<http::H2Client> client, bool reused) {
  auto connection = std::make_unique<Lease::Connection>(nullptr, member);
  connection->slot = std::make_unique<http::H2Slot>(std::move(client));
  connection->reused = reused;
  return {*this, member, std::move(connection)};
}

// The oldest one comes first, so that the others may become idle and go.
Lease Pool::share(Member& member, bool reused) {
  for (const auto& client : member.shared) {
    if (!client->usable()) continue;
    if (client->slots() == 0) member.server->counters().idle.fetch_sub(1, std::memory_order_relaxed);
    return lease_on(member, client, reused);
  }
  return {};
}

rt::Task<Result<Lease>> Pool::open(Member& member, std::string_view preface) {
  if (!shares_) {
    Result<Lease> own = co_await connect(member, preface);
    co_return own;
  }
  // The member outlives a reload that happens meanwhile.
  const Lease held(*this, member, nullptr);
  while (!member.speaks_h1) {
    if (Lease shared = share(member, false)) co_return shared;
    if (const std::shared_ptr<http::H2Client> young = youngest(member)) {
      co_await young->settle(deadline_after(loop_.now(), connect_.timeout));
      continue;
    }
    const std::shared_ptr<Dialing> dialing = member.dialing;
    if (!dialing) {
      DialsForAll dials(member, loop_);
      Result<Lease> made = co_await dial_shared(member);
      if (!made) dials.failed(made.error());
      co_return made;
    }
    co_await dialing->ended.wait();
    if (dialing->error) co_return std::unexpected(*dialing->error);
  }
  Result<Lease> made = co_await dial_shared(member);
  co_return made;
}

rt::Task<Result<Lease>> Pool::open_upgrade(Member& member, std::string_view preface) {
  RPX_CO_TRY(Lease lease, co_await open(member, preface));
  if (!lease.slot()) co_return lease;
  http::H2Client& client = lease.slot()->client();
  co_await client.settle(deadline_after(loop_.now(), connect_.timeout));
  if (client.over()) co_return std::unexpected(client.ending());
  if (client.connects()) co_return lease;
  if (protocol_ != "auto")
    co_return upstream_error(ErrorKind::kUpgradeFailed, "the server takes no upgrades over HTTP/2 (RFC 8441)");
  // The member is held by the first lease until there is another.
  Result<Lease> own = co_await connect(member, preface);
  co_return own;
}

// A connection that becomes one for all where HTTP/2 is agreed on.
rt::Task<Result<Lease>> Pool::dial_shared(Member& member) {
  const bool tls = member.server->tls() != nullptr;
  RPX_CO_TRY(std::unique_ptr<net::Stream> stream, co_await dial_any(member, {}, alpn_for(protocol_, tls)));
  const Result<bool> agreed = speaks_h2(*stream, protocol_, tls);
  if (!agreed) {
    failed(member, agreed.error());
    co_return std::unexpected(agreed.error());
  }
  member.speaks_h1 = !*agreed;
  if (!*agreed) co_return Lease(*this, member, std::make_unique<Lease::Connection>(std::move(stream), member));
  auto client = std::make_shared<http::H2Client>(std::move(stream));
  member.shared.push_back(client);
  co_return lease_on(member, std::move(client), false);
}

// A shared connection has no call any more: it is kept where it may be.
void Pool::left(Member& member, const http::H2Client& client) noexcept {
  const auto at = std::ranges::find(member.shared, &client, [](const auto& one) { return one.get(); });
  if (at == member.shared.end()) return;
  if (connect_.keepalive == 0 || client.retired())
    member.shared.erase(at);
  else
    member.server->counters().idle.fetch_add(1, std::memory_order_relaxed);
}

void Lease::leave() noexcept {
  if (!connection_ || !connection_->slot) {
    connection_.reset();
    return;
  }
  const std::shared_ptr<http::H2Client> client = connection_->slot->shared();
  connection_.reset();
  if (client->slots() == 0) pool_->left(*member_, *client);
}

}  // namespace rpx::upstream
