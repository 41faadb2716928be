#include "cache/flight.h"

#include <algorithm>

namespace rpx::cache {

// A waiter's place in the list, given up however the wait ends: what is posted to its loop finds nobody then.
class Flight::Place {
 public:
  Place(Flight& flight, std::shared_ptr<Waiting> waiting) : flight_(flight), waiting_(std::move(waiting)) {}
  ~Place() {
    waiting_->event = nullptr;
    const std::scoped_lock lock(flight_.mutex_);
    std::erase(flight_.waiting_, waiting_);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  Flight& flight_;
  std::shared_ptr<Waiting> waiting_;
};

void Flight::finish(End end) {
  const std::scoped_lock lock(mutex_);
  if (end_ != End::kUnderWay) return;
  end_ = end;
  // Those in the list are alive, and so are their loops: they leave it under this lock.
  for (const auto& waiting : waiting_)
    waiting->loop->post([waiting] {
      if (waiting->event) waiting->event->notify_all();
    });
  waiting_.clear();
}

void Flight::spoil() noexcept {
  const std::scoped_lock lock(mutex_);
  spoiled_ = true;
}

bool Flight::spoiled() const noexcept {
  const std::scoped_lock lock(mutex_);
  return spoiled_;
}

rt::Task<Flight::End> Flight::wait(rt::Loop& loop, Instant deadline) {
  const auto self = shared_from_this();
  rt::Event woken(loop);
  auto waiting = std::make_shared<Waiting>(Waiting{&loop, &woken});
  {
    const std::scoped_lock lock(mutex_);
    if (end_ != End::kUnderWay) co_return end_;
    waiting_.push_back(waiting);
  }
  const Place place(*this, waiting);
  co_await woken.wait(deadline);
  const std::scoped_lock lock(mutex_);
  co_return end_;
}

}  // namespace rpx::cache
