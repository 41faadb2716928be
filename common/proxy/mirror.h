// Copies of requests for an upstream that only watches: sent beside the request itself, bounded in number, size and
// time, and what comes back is thrown away. Whatever happens to a copy, its request never hears of it. On the worker's
// thread.
#pragma once

#include <memory>

#include "http/body.h"
#include "proxy/forward_head.h"

namespace rpx::proxy {

/// A copy in the making: what a request's body is read through until the copy is whole, and sends itself off.
class MirrorCopy final : public http::BodySource {
 public:
  struct Job;
  explicit MirrorCopy(std::unique_ptr<Job> job) noexcept;
  /// A copy that is not whole by then is dropped.
  ~MirrorCopy() override;

  /// The body to copy, borrowed for as long as this lives.
  http::BodySource& over(http::BodySource& body) noexcept;

  Result<http::BodyPiece> try_read(std::size_t most) override;
  rt::Task<Status> wait(Duration stall) override { return source_->wait(stall); }
  const http::Headers* trailers() const noexcept override { return source_->trailers(); }
  bool ended() const noexcept override { return source_->ended(); }
  rt::Loop& loop() noexcept override { return source_->loop(); }
  std::uint64_t received() const noexcept override { return source_->received(); }

 private:
  std::unique_ptr<Job> job_;
  http::BodySource* source_ = nullptr;
};

/// Where the route of `ask` has a mirror and chance says so: sends a copy of the request, now or, where it has a body,
/// once that has been read through busy.mirror. Before anything else is made of the request.
void start_mirror(const Ask& ask);

/// The body of the request, watched by the copy that is being made of it, if there is one.
http::BodySource& request_body(Busy& busy, std::uint64_t most);

}  // namespace rpx::proxy
