#include "board.h"

namespace rpx::bench {

void Board::put(std::size_t thread, const load::Tally& tally) {
  const std::lock_guard lock(mutex_);
  places_[thread] = tally;
}

load::Tally Board::sum() const {
  const std::lock_guard lock(mutex_);
  load::Tally out;
  for (const load::Tally& one : places_) out.merge(one);
  return out;
}

}  // namespace rpx::bench
