// How many client connections there are, in all and per client address. Shared by all workers.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <unordered_map>

#include "base/ip.h"

namespace rpx::proxy {

class ConnectionLimits {
 public:
  /// Counts one more connection in all, unless `most` are open already.
  bool enter(std::uint32_t most) noexcept {
    if (open_.fetch_add(1, std::memory_order_relaxed) < most) return true;
    open_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  void leave() noexcept { open_.fetch_sub(1, std::memory_order_relaxed); }
  std::uint64_t open() const noexcept { return open_.load(std::memory_order_relaxed); }

  /// Counts one more TLS handshake in progress, unless `most` (0: any number) are already.
  bool enter_handshake(std::uint32_t most) noexcept {
    if (shaking_.fetch_add(1, std::memory_order_relaxed) < most || most == 0) return true;
    leave_handshake();
    return false;
  }
  void leave_handshake() noexcept { shaking_.fetch_sub(1, std::memory_order_relaxed); }

  /// Counts one more connection without a request; says how many there are.
  std::uint64_t enter_half_open() noexcept { return half_open_.fetch_add(1, std::memory_order_relaxed) + 1; }
  void leave_half_open() noexcept { half_open_.fetch_sub(1, std::memory_order_relaxed); }
  std::uint64_t half_open() const noexcept { return half_open_.load(std::memory_order_relaxed); }

  /// Counts one more connection of `client`, unless it has `most` already.
  bool enter_client(const IpAddress& client, std::uint32_t most);
  void leave_client(const IpAddress& client);

 private:
  struct Hash {
    std::size_t operator()(const IpAddress& ip) const noexcept;
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<IpAddress, std::uint32_t, Hash> open;
  };
  Shard& shard_of(const IpAddress& client) noexcept { return shards_[Hash{}(client) % shards_.size()]; }
  std::atomic<std::uint64_t> open_{0};
  std::atomic<std::uint64_t> half_open_{0};
  std::atomic<std::uint32_t> shaking_{0};
  std::array<Shard, 16> shards_;
};

}  // namespace rpx::proxy
