// Which credentials have been found good lately, so that a password is hashed once and not for every request. Holds no
// password: what is kept is an HMAC under a key that only this process has. Bounded; nothing gets in that was not
// verified, so that nobody can push others out by guessing. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/units.h"

namespace rpx::policy {

/// Who credentials are: what is known of the client once they have been found good.
struct Identity {
  std::string user;
  std::vector<std::pair<std::string, std::string>> fields;  ///< for servers: names and values, in order
};
using IdentityPtr = std::shared_ptr<const Identity>;

class CredentialMemory {
 public:
  CredentialMemory();
  ~CredentialMemory();
  CredentialMemory(const CredentialMemory&) = delete;
  CredentialMemory& operator=(const CredentialMemory&) = delete;

  /// What is remembered of `credentials` as they are worth in `generation` of what they were checked against.
  using Mark = std::array<std::uint8_t, 16>;
  Mark mark_of(std::uint64_t generation, std::string_view credentials) const;
  bool holds(const Mark& mark, Instant now) const { return find(mark, now).second; }
  /// With what was kept beside it (may be null).
  std::pair<IdentityPtr, bool> find(const Mark& mark, Instant now) const;
  void add(const Mark& mark, Instant until, IdentityPtr identity = nullptr);

  static constexpr std::size_t kSets = 512;
  static constexpr std::size_t kWays = 8;

 private:
  struct Slot {
    Mark mark{};
    Instant until = Instant::min();
    IdentityPtr identity;
  };
  std::array<std::uint8_t, 32> key_;
  mutable std::mutex mutex_;
  std::vector<std::array<Slot, kWays>> sets_;  // under mutex_; a set is chosen by the mark's first bytes
};

}  // namespace rpx::policy
