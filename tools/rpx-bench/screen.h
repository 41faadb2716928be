// The full-screen view of a run (--screen): rate over time, percentiles so far, replies and failures, drawn over and
// over on the terminal behind stderr, in a screen of its own that leaves what was there before. Main thread.
#pragma once

#include <string>

#include "load/summary.h"

namespace rpx::bench {

/// How far a run has come.
struct Stage {
  Duration passed{};
  Duration whole{};            ///< kForever where requests are counted
  std::uint64_t requests = 0;  ///< in all; 0 where time is what ends it
};

/// The view as lines that end in '\n', none longer than `columns` nor more than `rows`.
std::string screen_text(const load::Summary& run, const Stage& stage, int columns, int rows);

class Screen {
 public:
  /// Takes the terminal over, where `wanted`; the destructor gives it back.
  explicit Screen(bool wanted);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  bool shown() const noexcept { return shown_; }
  void draw(const load::Summary& run, const Stage& stage) const;

 private:
  bool shown_;
};

}  // namespace rpx::bench
