// A very fast origin for tests and demonstrations: replies that are made once for each target and sent from memory. One
// OriginThread a thread, with a loop and a listening socket of its own.
#pragma once

#include <string>
#include <unordered_map>

#include "load/histogram.h"
#include "load/origin_reply.h"
#include "load/random.h"
#include "net/stream.h"
#include "rt/alarm.h"
#include "rt/group.h"
#include "rt/loop.h"

namespace rpx::bench {

class OriginThread {
 public:
  /// Accepts from `listener`, which stays open until it has ended.
  OriginThread(int listener, std::uint64_t seed, bool awake);
  /// The thread's body, until stop().
  void run();
  /// Any thread. Connections are cut.
  void stop() { loop_.stop(); }
  /// How long the replies took that had a delay, from their request to when they were sent. Once run() has returned.
  const load::Histogram& delays() const noexcept { return delays_; }

 private:
  struct Visit;
  rt::Task<void> accept_all();
  rt::Task<void> serve(net::UniqueFd fd);
  /// A copy: the kept one may be thrown away while this one waits.
  rt::Task<bool> answer(Visit& visit, load::Reply reply, bool is_head);
  rt::Task<void> wait_until(Instant due);
  rt::Task<bool> skip_body(Visit& visit);
  const load::Reply& reply_to(std::string_view target);

  int listener_;
  const bool awake_;
  rt::Loop loop_;
  rt::Alarm alarm_{loop_};  // delays are what others are measured by
  load::Random random_;
  load::Histogram delays_;
  std::unordered_map<std::string, load::Reply> replies_;
  const load::Reply* last_ = nullptr;
  std::string last_target_;
  rt::TaskGroup visits_;
};

}  // namespace rpx::bench
