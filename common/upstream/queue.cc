#include "upstream/queue.h"

#include <algorithm>

namespace rpx::upstream {

// Who frees a place writes the server's count and then reads waiting_; who waits writes waiting_ and then reads the
// count. Both in the one order of all such operations: one of the two sees the other.
void Queue::wake_front() {
  if (waiting_.load() == 0) return;
  const std::scoped_lock lock(mutex_);
  post_to_front();
}

void Queue::post_to_front() {
  if (calls_.empty()) return;
  const std::shared_ptr<Call>& call = calls_.front();
  if (call->posted.exchange(true)) return;
  call->loop.post([call] {
    call->posted = false;
    if (call->ticket != nullptr) call->ticket->event().notify_all();
  });
}

Queue::Ticket::Ticket(std::shared_ptr<Queue> queue, rt::Loop& loop, std::size_t most)
    : queue_(std::move(queue)), event_(loop) {
  const std::scoped_lock lock(queue_->mutex_);
  if (queue_->calls_.size() >= most) return;
  call_ = std::make_shared<Call>(loop, this);
  queue_->calls_.push_back(call_);
  queue_->waiting_ = queue_->calls_.size();
}

// Whatever it was woken for and did not use is the next one's.
Queue::Ticket::~Ticket() {
  if (!call_) return;
  call_->ticket = nullptr;
  const std::scoped_lock lock(queue_->mutex_);
  const bool was_front = queue_->calls_.front() == call_;
  std::erase(queue_->calls_, call_);
  queue_->waiting_ = queue_->calls_.size();
  if (was_front) queue_->post_to_front();
}

bool Queue::Ticket::at_front() const {
  const std::scoped_lock lock(queue_->mutex_);
  return queue_->calls_.front() == call_;
}

void Place::release() noexcept {
  if (!server_) return;
  server_->leave();
  server_.reset();
  std::exchange(queue_, nullptr)->wake_front();
}

}  // namespace rpx::upstream
