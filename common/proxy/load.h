// How busy a worker is, for what does more when there is time: the share of a thread's time that it ran, of late.
// Looked at only by those who ask. One thread each.
#pragma once

#include "base/units.h"
#include "policy/compress.h"

namespace rpx::proxy {

/// The judgement of one thread, from what it is told of its time.
class LoadGauge {
 public:
  /// In the last `passed` (more than zero) the thread has run for `ran`.
  policy::Load update(Duration ran, Duration passed) noexcept;

 private:
  double share_ = 0;
  policy::Load load_ = policy::Load::kLight;
};

/// How busy the calling thread is; `now` is the time on its loop. Measured anew every 100 ms at most.
policy::Load load_of_this_thread(Instant now) noexcept;

}  // namespace rpx::proxy
