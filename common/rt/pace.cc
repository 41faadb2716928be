#include "rt/pace.h"

namespace rpx::rt {
namespace {

// An exchange passes through twice and meets a pause half-way on average, where it meets one: in the worst case this
// share is added to what it takes, and in a loop that is busy two thirds of the time a third of it.
constexpr double kShare = 8;
constexpr double kLongest = 500'000;  // nanoseconds
// Fewer events in a pause would not pay for it.
constexpr double kFewest = 4;
// Exchanges that a mean can be made of.
constexpr std::int64_t kLeastExchanges = 8;

}  // namespace

void Pace::judge(Instant now) noexcept {
  const double rate = static_cast<double>(events_) / static_cast<double>((now - since_).count());
  double pause = 0;
  if (exchanges_ >= kLeastExchanges)
    pause = std::min(static_cast<double>(exchanges_) / frequencies_ / kShare, kLongest);
  if (pause * rate < kFewest) pause = 0;
  pause_ = Duration(static_cast<std::int64_t>(pause));
  since_ = now;
  events_ = exchanges_ = 0;
  frequencies_ = 0;
}

}  // namespace rpx::rt
