// What a pool knows of one of its servers, and the connections to it: shared by the files of Pool alone. On the pool's
// thread.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "net/stream.h"
#include "rt/loop.h"
#include "tls/client_context.h"
#include "upstream/pool.h"

namespace rpx::upstream {

/// A connection, in use or kept. While kept it watches for the server closing it.
struct Lease::Connection final : rt::Waiter {
  Connection(std::unique_ptr<net::Stream> connected, Member& owner) : stream(std::move(connected)), member(owner) {}
  void wake() override;
  virtual ~Connection() = default;
  std::unique_ptr<net::Stream> stream;
  Member& member;
  bool reused = false;
  Instant expires{};
};

struct Member {
  std::shared_ptr<Server> server;
  std::vector<std::unique_ptr<Lease::Connection>> idle;  // the last one was used last
  std::uint32_t active = 0;
  std::vector<Address> addresses;
  std::uint64_t version = 0;  // of addresses
  std::size_t next_address = 0;
  Instant down_until{};
  Duration down_for{};
  bool retired = false;
  std::shared_ptr<tls::SessionSlot> session;  // of an https server

  void mark_up() noexcept {
    if (down_for == Duration::zero()) return;
    down_for = Duration::zero();
    down_until = {};
    server->counters().down_workers.fetch_sub(1, std::memory_order_relaxed);
  }
  void drop_idle(const Lease::Connection* connection) {
    const auto at = std::ranges::find(idle, connection, [](const auto& one) { return one.get(); });
    if (at == idle.end()) return;
    idle.erase(at);
    server->counters().idle.fetch_sub(1, std::memory_order_relaxed);
  }
  void drop_all_idle() {
    server->counters().idle.fetch_sub(static_cast<std::int64_t>(idle.size()), std::memory_order_relaxed);
    idle.clear();
  }
};

}  // namespace rpx::upstream
