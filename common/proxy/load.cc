#include "proxy/load.h"

#include <ctime>

#include <algorithm>

namespace rpx::proxy {
namespace {

constexpr Duration kLookAgain = std::chrono::milliseconds(100);

Duration time_run() noexcept {
  timespec spent{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
}

}  // namespace

policy::Load LoadGauge::update(Duration ran, Duration passed) noexcept {
  constexpr double kNewest = 0.5;
  // What one has come into is left only a good way back, so that levels do not change to and fro: lower levels make
  // the thread less busy.
  constexpr double kBusyFrom = 0.45;
  constexpr double kBusyTo = 0.25;
  constexpr double kFullFrom = 0.75;
  constexpr double kFullTo = 0.50;
  const double share = std::clamp(static_cast<double>(ran.count()) / static_cast<double>(passed.count()), 0.0, 1.0);
  share_ += kNewest * (share - share_);
  using policy::Load;
  if (share_ >= kFullFrom)
    load_ = Load::kFull;
  else if (share_ >= kBusyFrom)
    load_ = load_ == Load::kFull && share_ >= kFullTo ? Load::kFull : Load::kBusy;
  else if (share_ < kBusyTo)
    load_ = Load::kLight;
  else if (load_ == Load::kFull)
    load_ = Load::kBusy;
  return load_;
}

policy::Load load_of_this_thread(Instant now) noexcept {
  struct Looked {
    LoadGauge gauge;
    Instant at;
    Duration run{};
    policy::Load load = policy::Load::kLight;
  };
  static thread_local Looked last{.at = now, .run = time_run()};
  if (now - last.at < kLookAgain) return last.load;
  const Duration run = time_run();
  last.load = last.gauge.update(run - last.run, now - last.at);
  last.at = now;
  last.run = run;
  return last.load;
}

}  // namespace rpx::proxy
