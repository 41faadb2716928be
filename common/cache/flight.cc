#include "cache/flight.h"

#include <algorithm>

namespace rpx::cache {
namespace {

constexpr std::size_t kLeastBlock = 64 * 1024;
// A body is stored as it lies when no more than this share of its size is spare room.
constexpr std::size_t kSpareShare = 16;

}  // namespace

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

void Flight::wake() {
  // Those in the list are alive, and so are their loops: they leave it under this lock.
  for (const auto& waiting : waiting_)
    waiting->loop->post([waiting] {
      if (waiting->event) waiting->event->notify_all();
    });
  waiting_.clear();
}

void Flight::finish(End end) {
  const std::scoped_lock lock(mutex_);
  if (end_ != End::kUnderWay) return;
  end_ = end;
  wake();
}

void Flight::spoil() noexcept {
  const std::scoped_lock lock(mutex_);
  spoiled_ = true;
}

bool Flight::spoiled() const noexcept {
  const std::scoped_lock lock(mutex_);
  return spoiled_;
}

bool Flight::is_over() const noexcept {
  const std::scoped_lock lock(mutex_);
  return end_ != End::kUnderWay;
}

rt::Task<Flight::End> Flight::wait(rt::Loop& loop, Instant deadline) {
  const auto self = shared_from_this();
  rt::Event woken(loop);
  auto waiting = std::make_shared<Waiting>(Waiting{&loop, &woken});
  {
    const std::scoped_lock lock(mutex_);
    if (end_ != End::kUnderWay) co_return end_;
    if (head_) co_return End::kOpened;
    waiting_.push_back(waiting);
  }
  const Place place(*this, waiting);
  co_await woken.wait(deadline);
  const std::scoped_lock lock(mutex_);
  co_return end_ == End::kUnderWay&& head_ ? End::kOpened : end_;
}

void Flight::open(EntryPtr head, std::optional<std::uint64_t> length) {
  const std::scoped_lock lock(mutex_);
  head_ = std::move(head);
  length_ = length;
  wake();
}

void Flight::append(std::string_view data) {
  const std::scoped_lock lock(mutex_);
  const std::size_t size = block_ ? block_->size() : 0;
  if (const std::size_t wanted = size + data.size(); !block_ || wanted > block_->capacity()) {
    // Others may be reading the old block: it stays as it is until they have done.
    auto larger = std::make_shared<std::string>();
    larger->reserve(std::max({wanted, length_ ? static_cast<std::size_t>(*length_) : 2 * size, kLeastBlock}));
    if (block_) larger->append(*block_);
    block_ = std::move(larger);
  }
  block_->append(data);
  wake();
}

std::shared_ptr<const std::string> Flight::close() {
  const std::scoped_lock lock(mutex_);
  whole_ = true;
  wake();
  if (!block_) return nullptr;
  if (block_->capacity() <= block_->size() + block_->size() / kSpareShare) return block_;
  return std::make_shared<const std::string>(*block_);
}

std::size_t Flight::size() const noexcept {
  const std::scoped_lock lock(mutex_);
  return block_ ? block_->size() : 0;
}

bool Flight::end_unread() {
  const std::scoped_lock lock(mutex_);
  if (end_ == End::kUnderWay && readers_ == 0) {
    end_ = End::kFailed;
    wake();
  }
  return end_ != End::kUnderWay;
}

Flight::Piece Flight::read(std::size_t at, std::size_t most) const {
  const std::scoped_lock lock(mutex_);
  Piece out;
  const std::size_t size = block_ ? block_->size() : 0;
  if (at < size) {
    out.held = block_;
    out.data = std::string_view(*block_).substr(at, most);
  }
  out.end = whole_ && at + out.data.size() == size;
  out.failed = !whole_ && out.data.empty() && end_ != End::kUnderWay;
  return out;
}

rt::Task<bool> Flight::wait_beyond(std::size_t at, rt::Loop& loop, Instant deadline) {
  const auto self = shared_from_this();
  rt::Event woken(loop);
  auto waiting = std::make_shared<Waiting>(Waiting{&loop, &woken});
  {
    const std::scoped_lock lock(mutex_);
    if (end_ != End::kUnderWay || whole_ || (block_ && block_->size() > at)) co_return true;
    waiting_.push_back(waiting);
  }
  const Place place(*this, waiting);
  const bool notified = co_await woken.wait(deadline);
  co_return notified;
}

Flight::Reader::Reader(std::shared_ptr<Flight> flight) : flight_(std::move(flight)) {
  const std::scoped_lock lock(flight_->mutex_);
  ++flight_->readers_;
}

Flight::Reader::~Reader() {
  const std::scoped_lock lock(flight_->mutex_);
  --flight_->readers_;
}

}  // namespace rpx::cache
