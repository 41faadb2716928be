// Rate limits by GCRA, the leaky bucket as a single time stamp for each key: [rate_limit.NAME]. The counters are shared
// by all workers, so that a limit is exact whoever serves, and live on over reloads. Called by proxy/admission on every
// request of a route that names one. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/siphash.h"
#include "base/units.h"
#include "policy/text_template.h"

namespace rpx::policy {

struct RateLimitOptions {
  std::string name;
  Rate rate{1};                  ///< over 0
  std::uint32_t burst = 1;       ///< how many may come at once after a quiet time; at least 1
  std::string key = "{client}";  ///< template of what is counted apart
  std::uint16_t status = 429;    ///< of a refusal
  bool delay = false;            ///< hold requests back to the rate, and refuse only what is over the burst
  bool dry_run = false;          ///< count and log, refuse nothing
};

/// What the times of keys are kept in: bounded memory, whatever clients make up. A key without a place of its own,
/// because all it could take hold keys that are being limited, is counted together with one of those: nobody gets rid
/// of a counter by making others.
class RateCounters {
 public:
  RateCounters() : key_(random_sip_key()), sets_(kSets) {}

  struct Taken {
    bool within = false;
    Duration ahead{};  ///< how far the key is ahead of its rate: over `most` when it was refused
  };
  /// Counts one for `text`, each of which is worth `each`, unless that would put it further ahead than `most`.
  Taken take(std::string_view text, Duration each, Duration most, Instant now) noexcept;

  static constexpr std::size_t kSets = 16 * 1024;
  static constexpr std::size_t kWays = 8;  ///< 2.2 MiB in all, touched as it is used

 private:
  struct Slot {
    std::uint64_t key = 0;
    Instant until = Instant::min();  ///< GCRA's theoretical arrival time; in the past: free
  };
  struct Set {
    std::array<Slot, kWays> slots;
    Instant latest = Instant::min();  ///< that anybody came with: the clocks of workers stand still within a round
  };
  static Slot& slot_of(Set& set, std::uint64_t key, Instant now) noexcept;

  SipKey key_;
  std::vector<Set> sets_;
  std::array<std::mutex, 256> locks_;  ///< each for a part of the sets
};

class RateLimit {
 public:
  /// `counters` are those of the configuration before, or null. Errors: kConfig, for a key that is no template.
  static Result<std::shared_ptr<const RateLimit>> build(const RateLimitOptions& options,
                                                        std::shared_ptr<RateCounters> counters);

  struct Verdict {
    bool within = true;
    Duration wait{};              ///< until the request is let on, where the limit delays
    Duration retry_after{};       ///< when it may be tried again, where it was refused
    std::uint32_t remaining = 0;  ///< that would still be let through at once
    Duration reset{};             ///< until all of the burst is there again
  };
  /// Counts a request whose key renders as `text`.
  Verdict take(std::string_view text, Instant now) const noexcept;

  const RateLimitOptions& options() const noexcept { return options_; }
  const TextTemplate& key() const noexcept { return key_; }
  /// {user} is in the key: it can only be counted once the client is known.
  bool counts_users() const noexcept { return counts_users_; }
  const std::shared_ptr<RateCounters>& counters() const noexcept { return counters_; }
  /// RateLimit-Policy's item (draft-ietf-httpapi-ratelimit-headers): `"api";q=200;w=2`.
  const std::string& policy_field() const noexcept { return policy_field_; }

 private:
  RateLimitOptions options_;
  TextTemplate key_;
  Duration each_{};
  Duration most_{};
  bool counts_users_ = false;
  std::string policy_field_;
  std::shared_ptr<RateCounters> counters_;
};

}  // namespace rpx::policy
