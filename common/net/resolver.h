// Names to addresses, off the event loops: one thread asks, keeps each name fresh by its TTL, and keeps the
// old answer when a new one cannot be had. Any thread may read a name.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/units.h"

namespace rpx::net {

/// A name being kept fresh. Alive as long as somebody holds it.
class Name {
 public:
  explicit Name(std::string host) : host_(std::move(host)) {}
  const std::string& host() const noexcept { return host_; }
  /// The addresses it has now; empty when it has never resolved. `error` says why, when it is not null.
  std::vector<IpAddress> addresses(std::string* error = nullptr) const;
  /// Grows with every change of the addresses; cheap enough to look at per request.
  std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }
  /// A first answer, good or bad, has come.
  bool answered() const noexcept { return answered_.load(std::memory_order_acquire); }

 private:
  friend class Resolver;
  void set(std::vector<IpAddress> addresses, std::string error);
  const std::string host_;
  mutable std::mutex mutex_;
  std::vector<IpAddress> addresses_;
  std::string error_;
  std::atomic<std::uint64_t> version_{0};
  std::atomic<bool> answered_{false};
};

class Resolver {
 public:
  Resolver();
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Keeps `host` (a DNS name) resolved until the last holder lets go. The same name is asked for once.
  std::shared_ptr<Name> watch(const std::string& host);
  /// Waits until every watched name has had an answer, at most for `longest`.
  void wait_for_first_answers(Duration longest);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rpx::net
