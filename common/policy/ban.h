// Automatic bans: [[ban]]. Replies of chosen statuses are counted for each client, and one that gets too many within a
// time is blocked for a while. Compiled with the site; counts are shared by all workers and live on over reloads.
// Called by proxy/protect at the end of exchanges; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/siphash.h"
#include "base/units.h"

namespace rpx::policy {

/// What is counted.
struct BanWhen {
  std::vector<std::uint16_t> status;
  std::uint32_t count = 50;
  Duration within = std::chrono::minutes(1);
  bool operator==(const BanWhen&) const = default;
};

struct BanOptions {
  BanWhen when;
  Duration lasting = std::chrono::minutes(10);  ///< the first time; each further one twice as long as the one before
  Duration most = std::chrono::hours(24);       ///< up to this; for so long after its end a ban is remembered, too
  bool anyone = false;                          ///< loopback and trusted proxies are banned as well
  bool operator==(const BanOptions&) const = default;
};

/// Who is to be banned, and how.
struct Ban {
  IpPrefix prefix;
  Duration lasting{};
  Duration most{};
  std::string reason;
};

/// Counts of clients over a sliding window, in bounded memory. A client without a place takes that of the one with the
/// fewest counts in its set; who shares a set is decided by a key that only this process has.
class BanCounters {
 public:
  BanCounters() : key_(random_sip_key()), sets_(kSets) {}
  /// Counts one for `prefix`; true when that makes `most` within the last `window`, and counting begins anew.
  bool note(const IpPrefix& prefix, std::uint32_t most, Duration window, Instant now);

  static constexpr std::size_t kSets = 4096;
  static constexpr std::size_t kWays = 4;  ///< 512 KiB in all, touched as it is used

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::int64_t window = -1;  ///< number of the one that `now` counts
    std::uint32_t now = 0;     ///< in that one
    std::uint32_t before = 0;  ///< in the one before
  };
  SipKey key_;
  std::mutex mutex_;  // replies that are counted are few
  std::vector<std::array<Slot, kWays>> sets_;
};

class BanRule {
 public:
  /// `counters` are those of the same rule before, or null.
  BanRule(const BanOptions& options, std::shared_ptr<BanCounters> counters);
  bool counts(std::uint16_t status) const noexcept;
  /// Counts a reply to `client`; true when it is to be banned.
  bool note(const IpPrefix& client, Instant now) const;
  Ban ban_of(const IpPrefix& client, std::uint16_t status) const;
  const BanOptions& options() const noexcept { return options_; }
  const std::shared_ptr<BanCounters>& counters() const noexcept { return counters_; }

 private:
  BanOptions options_;
  std::shared_ptr<BanCounters> counters_;
};

/// What is counted and banned as one client: an address of IPv4, the /64 of one of IPv6.
IpPrefix client_of(const IpAddress& ip) noexcept;

/// How long the bans of repeaters last. Bounded: when full, the one that ended first is forgotten. One thread at a
/// time.
class BanHistory {
 public:
  /// The length of a ban that begins now.
  Duration next(const Ban& ban, WallTime now);
  static constexpr std::size_t kMost = 10'000;

 private:
  struct Past {
    IpPrefix prefix;
    Duration last{};
    WallTime forget;
  };
  std::vector<Past> past_;  // by prefix
};

/// What the reasons of bans begin with; entries of a blocklist that have it are said to come from "ban".
inline constexpr std::string_view kBanReason = "ban: ";

}  // namespace rpx::policy
