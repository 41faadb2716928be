// Requests that wait for a place at a server, where servers have max_connections, or for a server to come back: one
// queue per upstream, first come first served over all workers. A waiter sleeps on its own loop; whoever frees a place
// wakes the one in front, and who leaves the front wakes the next. One that what is free is nothing to, as it has
// failed there, steps aside: it keeps its place, and those behind it may look too. The lock is taken only while
// somebody waits. Any thread.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>

#include "rt/event.h"
#include "upstream/server.h"

namespace rpx::upstream {

class Queue {
 public:
  class Ticket;
  /// Requests that wait now.
  std::size_t waiting() const noexcept { return waiting_.load(); }
  /// A place may be free: the one in front looks again.
  void wake_front();

 private:
  struct Call {
    rt::Loop& loop;
    Ticket* ticket;  // on the loop's thread; null once it has left
    std::atomic<bool> posted{false};
    bool aside = false;  // under mutex_
  };
  void post_to_front();  // under mutex_
  static void post(const std::shared_ptr<Call>& call);

  std::atomic<std::size_t> waiting_{0};
  std::mutex mutex_;
  std::deque<std::shared_ptr<Call>> calls_;  // under mutex_
};

/// A place in the queue, from construction to destruction. One thread, that of `loop`.
class Queue::Ticket {
 public:
  /// Joins, unless `most` wait already.
  Ticket(std::shared_ptr<Queue> queue, rt::Loop& loop, std::size_t most);
  ~Ticket();
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

  bool joined() const noexcept { return call_ != nullptr; }
  /// Nobody is before it but those who have stepped aside: it may take what is free.
  bool may_look() const;
  /// Lets those behind it look from now on.
  void step_aside();
  /// Notified when it is worth another look.
  rt::Event& event() noexcept { return event_; }

 private:
  std::shared_ptr<Queue> queue_;
  std::shared_ptr<Call> call_;
  rt::Event event_;
};

/// One of the places that a server with max_connections has. Gives itself back.
class Place {
 public:
  Place() = default;
  /// Takes over a place that server->enter() gave.
  Place(std::shared_ptr<Server> server, std::shared_ptr<Queue> queue) noexcept
      : server_(std::move(server)), queue_(std::move(queue)) {}
  Place(Place&&) noexcept = default;
  Place& operator=(Place&& other) noexcept {
    release();
    server_ = std::move(other.server_);
    queue_ = std::move(other.queue_);
    return *this;
  }
  ~Place() { release(); }
  explicit operator bool() const noexcept { return server_ != nullptr; }
  void release() noexcept;

 private:
  std::shared_ptr<Server> server_;
  std::shared_ptr<Queue> queue_;
};

}  // namespace rpx::upstream
