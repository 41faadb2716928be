#include "load/arrivals.h"

#include <cmath>

namespace rpx::load {

Arrivals::Arrivals(ArrivalKind kind, double per_second, Instant begin, Duration offset, std::uint64_t seed) noexcept
    : kind_(kind), interval_ns_(1e9 / per_second), begin_(begin + offset), random_(seed), next_(begin_) {}

Arrivals::Arrivals(const std::vector<Duration>& times, std::size_t first, std::size_t step, Instant begin) noexcept
    : times_(&times), at_(first), step_(step), begin_(begin), next_(Instant::max()) {
  if (at_ < times.size()) next_ = begin_ + times[at_];
}

void Arrivals::pop() noexcept {
  if (times_ != nullptr) {
    at_ += step_;
    next_ = at_ < times_->size() ? begin_ + (*times_)[at_] : Instant::max();
    return;
  }
  ++taken_;
  // Counted from the beginning, so that roundings do not add up.
  if (kind_ == ArrivalKind::kConstant)
    at_ns_ = interval_ns_ * static_cast<double>(taken_);
  else
    at_ns_ -= interval_ns_ * std::log1p(-random_.unit());
  next_ = begin_ + Duration(static_cast<std::int64_t>(at_ns_));
}

}  // namespace rpx::load
