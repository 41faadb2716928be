#include "policy/ban.h"

#include <fmt/format.h>

#include <algorithm>

namespace rpx::policy {

bool BanCounters::note(const IpPrefix& prefix, std::uint32_t most, Duration window, Instant now) {
  const auto& bytes = prefix.address.bytes();
  std::uint64_t key =
      siphash(key_, std::string_view(reinterpret_cast<const char*>(bytes.data()), prefix.address.is_v4() ? 4 : 8));
  if (key == 0) key = 1;  // 0 is a free place
  const auto since = now.time_since_epoch();
  const std::int64_t number = since / window;
  const std::scoped_lock lock(mutex_);
  auto& set = sets_[key % kSets];
  const auto move_on = [number](Slot& slot) {
    if (slot.window == number) return;
    slot.before = slot.window + 1 == number ? slot.now : 0;
    slot.now = 0;
    slot.window = number;
  };
  Slot* place = &set[0];
  for (Slot& slot : set) {
    move_on(slot);
    if (slot.key == key) {
      place = &slot;
      break;
    }
    if (slot.now + slot.before < place->now + place->before) place = &slot;
  }
  if (place->key != key) *place = {key, number, 0, 0};
  ++place->now;
  // Of the window before, the part that the sliding one still holds, as if it had come evenly.
  const double left = 1.0 - static_cast<double>((since % window).count()) / static_cast<double>(window.count());
  if (place->now + static_cast<std::uint32_t>(place->before * left) < most) return false;
  *place = {};
  return true;
}

BanRule::BanRule(const BanOptions& options, std::shared_ptr<BanCounters> counters)
    : options_(options), counters_(counters ? std::move(counters) : std::make_shared<BanCounters>()) {}

bool BanRule::counts(std::uint16_t status) const noexcept {
  return std::ranges::find(options_.when.status, status) != options_.when.status.end();
}

bool BanRule::note(const IpPrefix& client, Instant now) const {
  return counters_->note(client, options_.when.count, options_.when.within, now);
}

Ban BanRule::ban_of(const IpPrefix& client, std::uint16_t status) const {
  return {client, options_.lasting, options_.most,
          fmt::format("{}{} replies of {} within {}, the last one {}", kBanReason, options_.when.count,
                      fmt::join(options_.when.status, ", "), format_duration(options_.when.within), status)};
}

IpPrefix client_of(const IpAddress& ip) noexcept {
  if (ip.is_v4()) return {ip, 32};
  std::array<std::uint8_t, 16> bytes = ip.bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return {IpAddress::v6(bytes), 64};
}

Duration BanHistory::next(const Ban& ban, WallTime now) {
  const auto wall = [](Duration span) { return std::chrono::duration_cast<WallTime::duration>(span); };
  std::erase_if(past_, [now](const Past& past) { return past.forget <= now; });
  auto known = std::ranges::lower_bound(past_, ban.prefix, {}, &Past::prefix);
  Duration lasting = ban.lasting;
  if (known != past_.end() && known->prefix == ban.prefix) {
    lasting = std::min(known->last * 2, std::max(ban.most, ban.lasting));
    *known = {ban.prefix, lasting, now + wall(lasting + ban.most)};
    return lasting;
  }
  known = past_.insert(known, {ban.prefix, lasting, now + wall(lasting + ban.most)});
  if (past_.size() > kMost) past_.erase(std::ranges::min_element(past_, {}, &Past::forget));
  return lasting;
}

}  // namespace rpx::policy
