#include "upstream/coding_memory.h"

namespace rpx::upstream {
namespace {

constexpr Duration kTakesFor = std::chrono::hours(1);
constexpr Duration kRefusesFor = std::chrono::minutes(10);

}  // namespace

CodingMemory::Answer CodingMemory::of(http::Coding coding, Instant now) const noexcept {
  const Instant::rep until = until_[static_cast<std::size_t>(coding)].load(std::memory_order_relaxed);
  const Instant::rep ticks = now.time_since_epoch().count();
  if (until > ticks) return Answer::kTakes;
  return -until > ticks ? Answer::kRefuses : Answer::kUnknown;
}

void CodingMemory::learn(http::Coding coding, bool takes, Instant now) noexcept {
  const Instant::rep until = (now + (takes ? kTakesFor : kRefusesFor)).time_since_epoch().count();
  until_[static_cast<std::size_t>(coding)].store(takes ? until : -until, std::memory_order_relaxed);
  if (takes)
    knows_any_.store(true, std::memory_order_relaxed);
  else
    proven_[static_cast<std::size_t>(coding)].store(false, std::memory_order_relaxed);
}

void CodingMemory::prove(http::Coding coding, Instant now) noexcept {
  learn(coding, true, now);
  proven_[static_cast<std::size_t>(coding)].store(true, std::memory_order_relaxed);
}

bool CodingMemory::proven(http::Coding coding) const noexcept {
  return proven_[static_cast<std::size_t>(coding)].load(std::memory_order_relaxed);
}

}  // namespace rpx::upstream
