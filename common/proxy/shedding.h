// Shedding: which connections of a worker are closed when there is no room, and whether new ones are taken at all.
// Those go first that cost their client least: connections between two requests, and those whose request does not come.
// Owned by the worker; its thread alone, but for the figures.
#pragma once

#include <atomic>
#include <cstddef>

#include "http/limits.h"
#include "net/fd.h"
#include "proxy/connection_limits.h"
#include "proxy/counters.h"
#include "proxy/waiting_list.h"
#include "rt/loop.h"
#include "rt/pollable.h"
#include "rt/task.h"

namespace rpx::proxy {

class Shedding {
 public:
  Shedding(rt::Loop& loop, WorkerCounters& counts, ConnectionLimits& limits);

  /// Takes up `limits`; at most a share of `most` connections may be without a request.
  void configure(const http::Limits& limits, std::uint32_t most) noexcept;

  // What connections tell of themselves. Those of Unix sockets are never shed.
  /// No request yet, or half of one. When there are too many, the one that has been so longest is closed.
  void awaits_head(ClientConnection& connection) noexcept;
  void is_idle(ClientConnection& connection) noexcept;
  /// It has a request, or has gone.
  void is_served(ClientConnection& connection) noexcept;

  /// Closes up to `count` connections for others; says how many. Their places are free a moment later.
  std::size_t make_room(std::size_t count) noexcept;
  /// Connections wait so long for their turn that new ones are better told to come back.
  bool overloaded() const noexcept { return overloaded_; }
  /// Measures how long that is: what becomes ready now is served after all that is ready already.
  rt::Task<void> measure();

  // Any thread.
  Duration lag() const noexcept { return Duration(lag_.load(std::memory_order_relaxed)); }

 private:
  void cut(ClientConnection& connection) noexcept;

  rt::Loop& loop_;
  WorkerCounters& counts_;
  ConnectionLimits& limits_;
  WaitingList heads_;
  WaitingList idle_;
  std::uint64_t most_heads_ = 0;
  Duration overload_{};
  int late_ = 0;  ///< measures in a row that were past it
  bool overloaded_ = false;
  std::atomic<Duration::rep> lag_{0};
  net::UniqueFd bell_;
  rt::Pollable bell_io_;
};

}  // namespace rpx::proxy
