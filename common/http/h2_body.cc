#include "http/h2_body.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/result.h"
#include "base/text.h"
#include "http/field_lines.h"
#include "http/h1_chunked.h"
#include "http/h2_fields.h"

namespace rpx::http {
namespace {

// So much may be pending before whoever writes has to wait: as much as the peer's windows let through, between these.
constexpr std::size_t kLeastPending = 8 * 1024;
constexpr std::size_t kMostPending = 64 * 1024;
// RFC 9113 section 6.5.2: what a stream's window begins with; and how wide it may become.
constexpr std::int32_t kFirstWindow = 65535;
constexpr std::int32_t kMostWindow = 512 * 1024;
// A text that is kept for the next stream is not larger.
constexpr std::size_t kKeptBodyText = 1024;
constexpr Duration kSlowGrace = std::chrono::seconds(5);

}  // namespace

H2Body::H2Body(rt::Loop& loop, Side peer, Size least_rate)
    : loop_(loop), peer_(peer), least_rate_(least_rate), arrived_(loop), moved_(loop) {}

H2Body::~H2Body() { forget_pending(); }

void H2Body::forget_pending() noexcept {
  if (link_) link_->add_pending(-static_cast<std::int64_t>(pending()));
  out_.clear();
  out_at_ = 0;
}

std::size_t H2Body::room() const noexcept {
  if (closed_ || !link_) return kMostPending;
  const std::int64_t stream = id_ > 0 ? nghttp2_session_get_stream_remote_window_size(link_->session(), id_) : 0;
  const std::int64_t room = std::min(stream, link_->room() + static_cast<std::int64_t>(pending()));
  return static_cast<std::size_t>(std::clamp<std::int64_t>(room, kLeastPending, kMostPending));
}

void H2Body::leave() noexcept {
  forget_pending();
  link_ = nullptr;
  closed_ = true;
  if (out_.capacity() > kKeptBodyText) out_.shrink_to_fit();
  if (untidy_) tidy();
}

void H2Body::tidy() noexcept {
  for (std::string* text : {&in_, &given_, &trailer_text_}) {
    text->clear();
    if (text->capacity() > kKeptBodyText) text->shrink_to_fit();
  }
  at_ = 0;
  trailers_.clear();
  out_trailers_.clear();
  untidy_ = false;
}

void H2Body::attach(H2Link& link, std::int32_t id) noexcept {
  forget_pending();
  if (untidy_) tidy();
  link_ = &link;
  id_ = id;
  received_ = 0;
  most_ = 0;
  window_ = kFirstWindow;
  widen_at_ = 2 * kFirstWindow;
  waited_ = {};
  received_all_ = touched_ = complete_ = left_ = closed_ = false;
  sent_ = 0;
}

void H2Body::take_trailer(std::string_view name, std::string_view value, const Limits& limits) {
  untidy_ = true;
  if (trailer_text_.size() + name.size() + value.size() > limits.header_bytes) return;
  trailer_text_.append(name).append(": ").append(value).append("\r\n");
}

bool H2Body::complete_trailers(const Limits& limits) {
  untidy_ = true;
  trailer_text_ += "\r\n";
  const FieldLines lines = read_field_lines(trailer_text_, 0, limits, trailers_);
  if (lines.fault != nullptr || lines.end != trailer_text_.size()) return false;
  std::erase_if(trailers_.raw(), [](const Field& field) { return !may_trail(field); });
  return true;
}

void H2Body::take_end() noexcept {
  received_all_ = true;
  arrived_.notify_all();
}

void H2Body::take_close() noexcept {
  closed_ = true;
  arrived_.notify_all();
  moved_.notify_all();
}

void H2Body::take_left() noexcept {
  left_ = true;
  moved_.notify_all();
}

Result<BodyPiece> H2Body::try_read(std::size_t most) {
  if (at_ == given_.size()) {
    given_.clear();
    at_ = 0;
    given_.swap(in_);
  }
  const std::string_view piece = std::string_view(given_).substr(at_, most);
  if (piece.empty()) {
    if (received_all_) return BodyPiece{.end = true};
    if (closed_) return std::unexpected(gone());
    return BodyPiece{.blocked = true};
  }
  at_ += piece.size();
  received_ += piece.size();
  touched_ = true;
  // Only what is used up makes room for more.
  if (!closed_ && link_) {
    if (peer_ == Side::kClient)
      nghttp2_session_consume(link_->session(), id_, piece.size());
    else
      nghttp2_session_consume_stream(link_->session(), id_, piece.size());
    if (received_ >= widen_at_ && unread() == 0 && window_ < kMostWindow) {
      window_ = std::min(2 * window_, kMostWindow);
      widen_at_ = received_ + 2 * static_cast<std::uint64_t>(window_);
      link_->widen(id_, window_);
    }
    link_->queue_turn();
  }
  if (most_ != 0 && received_ > most_) return client_error(ErrorKind::kBodyTooLarge, "body over the limit");
  return BodyPiece{piece, ended(), false};
}

rt::Task<Status> H2Body::wait(Duration stall) {
  if (!in_.empty() || received_all_ || closed_) co_return Status{};
  const Instant begun = loop_.now();
  Instant deadline = deadline_after(begun, stall);
  Instant too_slow = Instant::max();
  if (least_rate_ != 0) {
    const auto earned = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(static_cast<double>(received_) / static_cast<double>(least_rate_)));
    too_slow = begun + std::max(kSlowGrace, earned) - waited_;
    deadline = std::min(deadline, too_slow);
  }
  const bool notified = co_await arrived_.wait(deadline);
  waited_ += loop_.now() - begun;
  if (notified) co_return Status{};
  if (deadline == too_slow) co_return client_error(ErrorKind::kBodyTooSlow, "the body comes slower than min_body_rate");
  if (peer_ == Side::kUpstream) co_return upstream_error(ErrorKind::kIdleTimeout, "the server's reply stalled");
  co_return client_error(ErrorKind::kBodyTimeout, "no more of the body in time");
}

long H2Body::produce(std::uint8_t* into, std::size_t size, std::uint32_t& flags) {
  const std::size_t count = std::min(size, pending());
  std::memcpy(into, out_.data() + out_at_, count);
  out_at_ += count;
  link_->add_pending(-static_cast<std::int64_t>(count));
  if (pending() == 0) {
    out_.clear();
    out_at_ = 0;
    if (complete_) {
      flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!out_trailers_.empty()) {
        flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        H2Block block;
        for (const auto& [name, value] : out_trailers_) block.add_copy(name, value);
        nghttp2_submit_trailer(link_->session(), id_, block.data(), block.size());
      }
    } else if (count == 0) {
      return NGHTTP2_ERR_DEFERRED;
    }
  }
  moved_.notify_all();
  return static_cast<long>(count);
}

Result<bool> H2Body::try_write(std::string_view data, bool end, const Headers* trailers) {
  if (closed_) return complete_ ? Result<bool>(true) : std::unexpected(gone());
  if (complete_) return true;
  if (out_at_ >= kMostPending) {
    out_.erase(0, out_at_);
    out_at_ = 0;
  }
  out_ += data;
  link_->add_pending(static_cast<std::int64_t>(data.size()));
  sent_ += data.size();
  if (end && trailers) {
    untidy_ = true;
    for (const Field& field : *trailers)
      if (!is_of_connection(field.id)) out_trailers_.emplace_back(lower(field.name), field.value);
  }
  complete_ = end;
  nghttp2_session_resume_data(link_->session(), id_);
  link_->queue_turn();
  return holds_little();
}

Result<bool> H2Body::try_flush() {
  if (closed_ && !complete_) return std::unexpected(gone());
  return holds_little();
}

rt::Task<Status> H2Body::drain(Duration stall) {
  while (!closed_ && !holds_little()) {
    const bool notified = co_await moved_.wait(deadline_after(loop_.now(), stall));
    if (!notified)
      co_return std::unexpected(
          Error{ErrorKind::kWriteTimeout, peer_,
                peer_ == Side::kClient ? "the client takes no bytes" : "the server takes no bytes"});
  }
  if (closed_ && !complete_) co_return std::unexpected(gone());
  co_return Status{};
}

void H2Body::reset(std::uint32_t code) noexcept {
  if (closed_ || !link_) return;
  nghttp2_submit_rst_stream(link_->session(), NGHTTP2_FLAG_NONE, id_, code);
  link_->queue_turn();
}

}  // namespace rpx::http
