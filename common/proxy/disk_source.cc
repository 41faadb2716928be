#include "proxy/disk_source.h"

#include <algorithm>

namespace rpx::proxy {
namespace {

// When too much waits for a thread that reads: until it is asked for one again.
constexpr Duration kPause = std::chrono::milliseconds(5);

}  // namespace

DiskSource::DiskSource(Worker& worker, std::shared_ptr<cache::DiskStore> disk,
                       std::shared_ptr<const cache::DiskBody> body, std::vector<Span> spans)
    : worker_(worker),
      disk_(std::move(disk)),
      body_(std::move(body)),
      spans_(std::move(spans)),
      loading_(worker.loop()) {
  for (const Span& span : spans_) size_ += span.text.size() + span.size;
}

rt::Task<Status> DiskSource::load(std::uint64_t number) {
  for (;;) {
    // It may run on when nobody waits any more: it owns what it uses.
    auto work = [body = body_, number] { return cache::read_piece(*body, number); };
    Result<std::string> got = co_await worker_.offload().run(worker_.loop(), std::move(work));
    if (got) {
      disk_->counters().read_bytes.fetch_add(got->size(), std::memory_order_relaxed);
      ahead_ = Piece{number, *std::move(got)};
      co_return Status{};
    }
    if (got.error().kind != ErrorKind::kOverload) {
      disk_->give_up(*body_, got.error());
      co_return std::unexpected(std::move(got).error());
    }
    co_await worker_.loop().sleep_until(worker_.loop().now() + kPause);
  }
}

// The piece that is wanted after the one at hand, if any is.
std::optional<std::uint64_t> DiskSource::after() const noexcept {
  std::uint64_t from = (held_->number + 1) * cache::kDiskPiece;
  if (const Span& span = spans_[span_]; from < span.first + span.size) return held_->number + 1;
  for (std::size_t i = span_ + 1; i < spans_.size(); ++i)
    if (const Span& span = spans_[i]; span.size != 0) {
      if (span.first / cache::kDiskPiece != held_->number) return span.first / cache::kDiskPiece;
      if (from < span.first + span.size) return held_->number + 1;
    }
  return std::nullopt;
}

rt::Task<Status> DiskSource::begin() {
  const auto first = std::ranges::find_if(spans_, [](const Span& span) { return span.size != 0; });
  if (first == spans_.end()) co_return Status{};
  start(first->first / cache::kDiskPiece);
  co_await loading_.wait();
  co_return loading_.result();
}

Result<http::BodyPiece> DiskSource::try_read(std::size_t most) {
  if (at_ == size_) return http::BodyPiece{.end = true};
  while (in_text_ == spans_[span_].text.size() && in_span_ == spans_[span_].size) {
    ++span_;
    in_text_ = 0;
    in_span_ = 0;
  }
  const Span& span = spans_[span_];
  std::string_view data = std::string_view(span.text).substr(in_text_, most);
  in_text_ += data.size();
  if (data.empty()) {
    const std::uint64_t number = wanted();
    if (!held_ || held_->number != number) {
      if (loading_.done() && !loading_.result()) return std::unexpected(loading_.result().error());
      if (!ahead_ || ahead_->number != number) {
        if (!loading_.started() || loading_.done()) start(number);
        return http::BodyPiece{.blocked = true};
      }
      held_ = std::move(ahead_);
      ahead_.reset();
      if (const auto next = after()) start(*next);
    }
    data = std::string_view(held_->bytes).substr((span.first + in_span_) % cache::kDiskPiece);
    data = data.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(most, span.size - in_span_)));
    in_span_ += data.size();
  }
  at_ += data.size();
  return http::BodyPiece{.data = data, .end = at_ == size_};
}

rt::Task<Status> DiskSource::wait(Duration) {
  if (loading_.started()) co_await loading_.wait();
  co_return Status{};
}

}  // namespace rpx::proxy
