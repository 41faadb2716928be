// The full-screen view of a run (--screen): rate over time, percentiles so far, replies and failures, drawn over and
// over on the terminal behind stderr, in a screen of its own that leaves what was there before. Main thread.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "load/summary.h"

namespace rpx::bench {

/// What the threads of a run have measured so far, each in a place of its own. Any thread.
class Board {
 public:
  explicit Board(std::size_t threads) : places_(threads) {}
  void put(std::size_t thread, const load::Tally& tally);
  load::Tally sum() const;

 private:
  mutable std::mutex mutex_;
  std::vector<load::Tally> places_;  // under mutex_
};

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
