// A server within the pool of one worker, and its connections. Of pool.cc and the files beside it. One thread.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "http/h2_client.h"
#include "rt/event.h"
#include "tls/client_context.h"
#include "tls/stream.h"
#include "upstream/pool.h"

namespace rpx::upstream {

/// A connection, in use or kept. While kept it watches for the server closing it.
struct Lease::Connection final : rt::Waiter {
  Connection(std::unique_ptr<net::Stream> connected, Member& owner) : stream(std::move(connected)), member(owner) {}
  void wake() override;
  virtual ~Connection() = default;
  std::unique_ptr<net::Stream> stream;
  std::unique_ptr<http::H2Slot> slot;  // instead of a stream: a place on a connection that others share
  Member& member;
  bool reused = false;
  Instant expires{};
};

/// A connection that one request makes and others wait for.
struct Dialing {
  explicit Dialing(rt::Loop& loop) noexcept : ended(loop) {}
  rt::Event ended;
  std::optional<Error> error;
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
  std::vector<std::shared_ptr<http::H2Client>> shared;
  std::shared_ptr<Dialing> dialing;  // null when nobody dials for all
  bool speaks_h1 = false;            // it was asked, and does not speak HTTP/2

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
  /// Lets go of shared connections: of those that have ended, and those that were idle since before `idle_before`.
  void drop_shared(Instant idle_before);
  /// Lets go of all of them; those in use end with their last call.
  void drop_shared();
};

}  // namespace rpx::upstream
