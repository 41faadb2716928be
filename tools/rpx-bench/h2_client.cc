#include "h2_client.h"

#include <algorithm>

namespace rpx::bench {

H2Client::H2Client(Worker& worker, std::size_t number)
    : worker_(worker), changed_(worker.loop()), tasks_(worker.loop()) {
  for (std::size_t origin = 0; origin < worker.plan().origins.size(); ++origin)
    links_.push_back(std::make_unique<H2Link>(*this, worker, origin, number));
}

H2Client::~H2Client() {
  if (worker_.counts_unfinished()) worker_.tally().unfinished += under_way_;
}

rt::Task<void> H2Client::run() {
  for (const auto& link : links_) tasks_.spawn(link->run());
  for (;;) {
    fill(nullptr);
    if (!worker_.open() && under_way_ == 0) co_return;
    if (worker_.open() && has_room()) {
      worker_.will_wait();
      co_await worker_.idle().wait();
    } else {
      // What has become due meanwhile is for somebody else.
      worker_.pass_on();
      co_await changed_.wait();
    }
  }
}

bool H2Client::has_room() const noexcept {
  if (under_way_ >= static_cast<std::size_t>(worker_.plan().at_once)) return false;
  bool any = false;
  for (const auto& link : links_) {
    // Whose turn it is decides the mix: a server that takes no more must not be passed over for the others.
    if (link->overfull()) return false;
    any |= link->room() != 0;
  }
  return any;
}

void H2Client::fill(const H2Link* asking) {
  if (!has_room()) return;
  const Instant now = std::chrono::steady_clock::now();
  bool for_others = false;
  do {
    Job job;
    if (!worker_.take(now, job)) {
      changed_.notify_one();
      break;
    }
    ++under_way_;
    H2Link& link = *links_[job.request->origin()];
    link.give(job);
    for_others |= &link != asking;
  } while (has_room());
  if (!for_others) return;
  for (const auto& link : links_)
    if (link.get() != asking) link->wake();
}

void H2Client::done() {
  if (--under_way_ == 0 && !worker_.open()) changed_.notify_one();
}

}  // namespace rpx::bench
