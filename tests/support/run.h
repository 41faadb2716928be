// Drives an event loop inside a unit test: until something holds, or until a task has ended, for a bounded time.
// On the test's own thread.
#pragma once

#include <chrono>
#include <coroutine>
#include <stdexcept>
#include <utility>

#include "rt/loop.h"
#include "rt/task.h"

namespace rpx::test {

/// Runs rounds of `loop` until `done()` holds, at most for `longest`; says whether it does.
template <class Done>
bool run_until(rt::Loop& loop, Done done, Duration longest = std::chrono::seconds(5)) {
  const Instant until = std::chrono::steady_clock::now() + longest;
  while (!done()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    loop.run_once(std::chrono::milliseconds(10));
  }
  return true;
}

/// Starts `task`, which is to be kept until it has ended.
template <class T>
void start(rt::Task<T>& task) {
  task.start(std::noop_coroutine());
}

/// Runs `task` to its end and gives its result. Throws when it does not end in time.
template <class T>
T run(rt::Loop& loop, rt::Task<T> task) {
  start(task);
  if (!run_until(loop, [&task] { return task.done(); })) throw std::runtime_error("the task does not end");
  return task.take();
}

/// A few rounds that wait for nothing: what is ready is handled.
inline void settle(rt::Loop& loop, int rounds = 4) {
  for (int i = 0; i < rounds; ++i) loop.run_once(Duration::zero());
}

}  // namespace rpx::test
