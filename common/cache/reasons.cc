#include "cache/reasons.h"

#include <array>
#include <atomic>
#include <mutex>

namespace rpx::cache {
namespace {

// Written up to `count` under the lock, and never again: a number that somebody has is of something that is there.
struct Table {
  std::array<Reason, 256> reasons;
  std::atomic<std::size_t> count{1};
  std::mutex mutex;
};

Table& table() {
  static Table one;
  return one;
}

std::uint8_t find(const Table& known, const Reason& reason, std::size_t count) noexcept {
  for (std::size_t i = 1; i < count; ++i)
    if (known.reasons[i].says == reason.says && known.reasons[i].section == reason.section)
      return static_cast<std::uint8_t>(i);
  return 0;
}

}  // namespace

std::uint8_t number_of(const Reason& reason) {
  Table& known = table();
  if (reason.says.empty() && reason.section.empty()) return 0;
  if (const auto number = find(known, reason, known.count.load(std::memory_order_acquire))) return number;
  const std::scoped_lock lock(known.mutex);
  const std::size_t count = known.count.load(std::memory_order_relaxed);
  if (const auto number = find(known, reason, count)) return number;
  if (count == known.reasons.size()) return 0;
  known.reasons[count] = reason;
  known.count.store(count + 1, std::memory_order_release);
  return static_cast<std::uint8_t>(count);
}

Reason reason_of(std::uint8_t number) noexcept { return table().reasons[number]; }

}  // namespace rpx::cache
