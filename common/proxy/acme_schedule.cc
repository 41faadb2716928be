#include "proxy/acme_schedule.h"

#include <algorithm>

namespace rpx::proxy {
namespace {

constexpr Duration kFirstWait = std::chrono::minutes(1);
constexpr Duration kLongestWait = std::chrono::hours(6);

WallTime::duration part_of(WallTime::duration span, double share) noexcept {
  return WallTime::duration(static_cast<WallTime::rep>(static_cast<double>(span.count()) * share));
}

bool is_good(const AcmeRecord& record, const AcmeHeld& held, const std::string& directory, WallTime now) noexcept {
  return held.usable && now < held.until && record.directory == directory;
}

}  // namespace

Duration back_off(std::uint32_t failures, double chance) noexcept {
  Duration wait = kFirstWait;
  for (std::uint32_t i = 1; i < failures && wait < kLongestWait; ++i) wait *= 3;
  wait = std::min(wait, kLongestWait);
  return std::chrono::duration_cast<Duration>(wait * (0.75 + chance / 2));
}

WallTime usual_renewal(const AcmeHeld& held, double chance) noexcept {
  const auto life = held.until - held.from;
  return held.until - part_of(life, 1.0 / 3 + chance / 20);
}

WallTime renewal_within(const pki::RenewalWindow& window, double chance) noexcept {
  return window.from + part_of(window.until - window.from, chance);
}

AcmeStep next_step(const AcmeRecord& record, const AcmeHeld& held, const std::string& directory,
                   WallTime now) noexcept {
  if (now < record.next) return AcmeStep::kNothing;
  if (!is_good(record, held, directory, now)) return AcmeStep::kObtain;
  if (record.renew != WallTime{} && now >= record.renew) return AcmeStep::kObtain;
  return now >= record.ask || record.renew == WallTime{} ? AcmeStep::kAsk : AcmeStep::kNothing;
}

WallTime next_moment(const AcmeRecord& record, const AcmeHeld& held, const std::string& directory,
                     WallTime now) noexcept {
  if (next_step(record, held, directory, now) != AcmeStep::kNothing) return now;
  if (now < record.next) return record.next;
  return std::max(now, std::min({record.renew, record.ask, held.until}));
}

}  // namespace rpx::proxy
