// PacedSink: a reply that goes out no faster than its route, and its client's replies together, may. What comes faster
// is held for it. One thread.
#pragma once

#include <memory>
#include <string>

#include "base/ip.h"
#include "http/body.h"
#include "policy/rate_limit.h"

namespace rpx::proxy {

class PacedSink final : public http::BodySink {
 public:
  /// Bytes a second: of this reply, and of all those of `client` that `counters` (null: none are counted) know of; 0 =
  /// as fast as it goes. `inner` outlives this.
  PacedSink(rt::Loop& loop, http::BodySink& inner, Size rate, Size client_rate, policy::RateCounters* counters,
            const IpAddress& client);

  Result<bool> try_write(std::string_view data, bool end, const http::Headers* trailers) override;
  Result<bool> try_flush() override;
  rt::Task<Status> drain(Duration stall) override;
  std::uint64_t sent() const noexcept override { return inner_.sent(); }

 private:
  /// Bytes that may go out at once; fewer is not worth a system call.
  std::size_t turn() const noexcept;
  void charge(std::size_t bytes);
  bool has_pending() const noexcept { return at_ < pending_.size() || end_pending_; }
  Result<bool> write_some();

  rt::Loop& loop_;
  http::BodySink& inner_;
  Size rate_;
  Size client_rate_;
  policy::RateCounters* counters_;
  std::string client_;
  Instant next_ = Instant::min();  ///< when more may go out
  std::string pending_;
  std::size_t at_ = 0;
  bool end_pending_ = false;
  const http::Headers* trailers_ = nullptr;
};

}  // namespace rpx::proxy
