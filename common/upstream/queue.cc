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

void Queue::post(const std::shared_ptr<Call>& call) {
  if (call->posted.exchange(true)) return;
  call->loop.post([call] {
    call->posted = false;
    if (call->ticket != nullptr) call->ticket->event().notify_all();
  });
}

void Queue::post_to_front() {
  for (const std::shared_ptr<Call>& call : calls_) {
    post(call);
    if (!call->aside) return;
  }
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
  std::erase(queue_->calls_, call_);
  queue_->waiting_ = queue_->calls_.size();
  queue_->post_to_front();
}

bool Queue::Ticket::may_look() const {
  const std::scoped_lock lock(queue_->mutex_);
  for (const std::shared_ptr<Call>& call : queue_->calls_) {
    if (call == call_) return true;
    if (!call->aside) return false;
  }
  return false;
}

void Queue::Ticket::step_aside() {
  const std::scoped_lock lock(queue_->mutex_);
  if (std::exchange(call_->aside, true)) return;
  queue_->post_to_front();
}

void Place::release() noexcept {
  if (!server_) return;
  server_->leave();
  server_.reset();
  std::exchange(queue_, nullptr)->wake_front();
}

}  // namespace rpx::upstream
