#include "proxy/paced_sink.h"

#include <algorithm>
#include <chrono>

#include "base/result.h"
#include "policy/ban.h"

namespace rpx::proxy {
namespace {

// What goes out in one piece: so much of a second's worth, within these bounds.
constexpr Size kPiecesInASecond = 20;
constexpr Size kLeastPiece = 512;
constexpr Size kMostPiece = 256UL * 1024;
// What goes out at once after a quiet time, as a part of a second's worth.
constexpr Duration kBurst = std::chrono::milliseconds(100);

Duration worth_of(std::size_t bytes, Size rate) noexcept {
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(static_cast<double>(bytes) / static_cast<double>(rate)));
}

}  // namespace

PacedSink::PacedSink(rt::Loop& loop, http::BodySink& inner, Size rate, Size client_rate, policy::RateCounters* counters,
                     const IpAddress& client)
    : loop_(loop),
      inner_(inner),
      rate_(rate),
      client_rate_(counters ? client_rate : 0),
      counters_(counters),
      client_(client_rate_ != 0 ? policy::client_of(client).to_string() : std::string()) {}

std::size_t PacedSink::turn() const noexcept {
  Size rate = rate_ != 0 ? rate_ : client_rate_;
  if (client_rate_ != 0) rate = std::min(rate, client_rate_);
  return static_cast<std::size_t>(std::clamp(rate / kPiecesInASecond, kLeastPiece, kMostPiece));
}

void PacedSink::charge(std::size_t bytes) {
  const Instant now = loop_.now();
  if (rate_ != 0) next_ = std::max(next_, now - kBurst) + worth_of(bytes, rate_);
  if (client_rate_ == 0) return;
  // Far ahead is no reason to refuse here: it is how long to wait.
  const auto taken = counters_->take(client_, worth_of(bytes, client_rate_), Duration::max(), now);
  next_ = std::max(next_, now + taken.ahead - kBurst);
}

Result<bool> PacedSink::write_some() {
  while (has_pending() && next_ <= loop_.now()) {
    const std::string_view piece = std::string_view(pending_).substr(at_, turn());
    at_ += piece.size();
    const bool last = at_ == pending_.size() && end_pending_;
    charge(piece.size());
    if (last) end_pending_ = false;
    RPX_TRY(const bool taken, inner_.try_write(piece, last, last ? trailers_ : nullptr));
    if (at_ == pending_.size()) {
      pending_.clear();
      at_ = 0;
    }
    if (!taken) return false;
  }
  return !has_pending();
}

Result<bool> PacedSink::try_write(std::string_view data, bool end, const http::Headers* trailers) {
  pending_.append(data);
  end_pending_ = end;
  trailers_ = trailers;
  return write_some();
}

Result<bool> PacedSink::try_flush() {
  RPX_TRY(const bool written, write_some());
  RPX_TRY(const bool flushed, inner_.try_flush());
  return written && flushed;
}

rt::Task<Status> PacedSink::drain(Duration stall) {
  for (;;) {
    RPX_CO_TRY_VOID(co_await inner_.drain(stall));
    RPX_CO_TRY(const bool done, try_flush());
    if (done) co_return Status{};
    if (next_ > loop_.now()) co_await loop_.sleep_until(next_);
  }
}

}  // namespace rpx::proxy
