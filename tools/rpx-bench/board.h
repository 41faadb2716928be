// Board: where the threads of a run put what they have measured so far, for whoever shows it. Any thread.
#pragma once

#include <mutex>
#include <vector>

#include "load/tally.h"

namespace rpx::bench {

/// One place a thread.
class Board {
 public:
  explicit Board(std::size_t threads) : places_(threads) {}
  void put(std::size_t thread, const load::Tally& tally);
  load::Tally sum() const;

 private:
  mutable std::mutex mutex_;
  std::vector<load::Tally> places_;  // under mutex_
};

}  // namespace rpx::bench
