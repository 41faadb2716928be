#include "http/h2_call.h"

#include <fmt/format.h>

#include "base/result.h"
#include "http/h1_parse.h"

namespace rpx::http {
namespace {

// Heads of one reply that nobody has looked at yet.
constexpr std::size_t kMostHeads = 16;

}  // namespace

H2Call::~H2Call() { detach(); }

// NOLINTNEXTLINE(readability-function-size): a call is all of these
BodySink& H2Call::begin(H2Slot& slot, const Limits& limits, const RequestLine& line, std::string_view scheme,
                        const Headers& headers, Framing framing, std::string_view protocol) {
  detach();
  limits_ = &limits;
  client_ = &slot.client();
  slot_ = &slot;
  slot.call_ = this;
  attach(*client_, 0);
  arena_.clear();
  heads_.clear();
  head_.clear();
  coming_.clear();
  coming_status_ = 0;
  lost_.reset();
  fault_.clear();
  code_ = 0;
  begun_ = loop_.now();
  has_head_ = too_large_ = untouched_ = interrupted_ = false;
  nothing_received_ = true;
  connects_ = !protocol.empty();
  H2Block block;
  block.add(":method", connects_ ? "CONNECT" : line.method);
  if (connects_) block.add(":protocol", protocol);
  block.add(":scheme", scheme);
  block.add(":authority", headers.value(FieldId::kHost));
  block.add(":path", line.query.empty() ? line.path : arena_.join(line.path, line.query));
  fields_.clear();
  for (const Field& field : headers)
    if (field.id != FieldId::kHost) fields_.add(field.id, field.name, field.value);
  sent_ = block.add_all(fields_, arena_);
  nghttp2_data_provider provider{};
  provider.read_callback = [](nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t size,
                              std::uint32_t* flags, nghttp2_data_source*, void* self) -> ssize_t {
    H2Call* call = static_cast<H2Client*>(self)->find(id);
    return call ? call->produce(into, size, *flags) : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  };
  const bool bodiless = framing == Framing::kNone && !connects_;
  complete_ = bodiless;
  id_ = nghttp2_submit_request(client_->session(), nullptr, block.data(), block.size(), bodiless ? nullptr : &provider,
                               this);
  client_->calls_.push_back(this);
  if (id_ < 0) {
    take_refusal();
    client_->forget(*this);
  }
  client_->queue_turn();
  return *this;
}

void H2Call::take_field(std::string_view name, std::string_view value) {
  nothing_received_ = false;
  if (has_head_) return take_trailer(name, value, *limits_);
  if (coming_.size() + name.size() + value.size() > limits_->header_bytes) {
    too_large_ = true;
    return;
  }
  if (name == ":status")
    coming_.append("HTTP/1.1 ").append(value).append(" \r\n");
  else if (!name.starts_with(':'))
    coming_.append(name).append(": ").append(value).append("\r\n");
}

bool H2Call::complete_fields(bool end) {
  if (has_head_) return complete_trailers(*limits_);
  constexpr std::size_t kStatusAt = 9;  // behind "HTTP/1.1 "
  has_head_ = coming_.size() > kStatusAt && coming_[kStatusAt] != '1';
  coming_ += "\r\n";
  heads_.push_back({std::move(coming_), end});
  coming_.clear();
  return heads_.size() <= kMostHeads;
}

rt::Task<Status> H2Call::wait_for_head(Instant deadline) {
  const bool notified = co_await arrived_.wait(deadline);
  if (interrupted_) {
    interrupted_ = false;
    co_return self_error(ErrorKind::kCancelled, "interrupted");
  }
  if (notified) co_return Status{};
  // A server that has said nothing at all since may be gone: others had better not depend on it.
  if (client_ && client_->heard_ < begun_) client_->retire();
  co_return upstream_error(ErrorKind::kResponseTimeout, "no reply in time");
}

Result<bool> H2Call::try_read_head(Method request_method) {
  if (heads_.empty()) {
    if (closed_) return std::unexpected(gone());
    return false;
  }
  current_ = std::move(heads_.front());
  heads_.pop_front();
  if (too_large_) return upstream_error(ErrorKind::kResponseTooLarge, "head larger than header_bytes");
  Limits limits = *limits_;
  limits.header_bytes += 64;
  RPX_TRY(const std::size_t used, parse_response_head(current_.text, limits, request_method, head_));
  if (used != current_.text.size() || head_.status == 101)
    return upstream_error(ErrorKind::kBadResponse, "a reply that HTTP/2 does not have");
  if (connects_ && head_.status / 100 == 2) {
    head_.status = 101;
    head_.framing = Framing::kNone;
    return true;
  }
  head_.keep_alive = true;
  // The length of a body need not be told, and its end is plain either way.
  if (head_.framing == Framing::kClose) head_.framing = Framing::kChunked;
  if (current_.end) head_.framing = Framing::kNone;
  return true;
}

void H2Call::interrupt() noexcept {
  if (!arrived_.has_waiters()) return;
  interrupted_ = true;
  arrived_.notify_all();
}

void H2Call::take_reset(std::uint32_t code) noexcept {
  code_ = code;
  if (code == NGHTTP2_REFUSED_STREAM && nothing_received_) untouched_ = true;
  forget_pending();
  client_ = nullptr;
  link_ = nullptr;
  take_close();
}

void H2Call::take_refusal() noexcept { take_reset(NGHTTP2_REFUSED_STREAM); }

void H2Call::take_loss(const Error& error) {
  lost_ = error;
  take_reset(NGHTTP2_NO_ERROR);
}

// RFC 9113 section 7: what the server says of the end of a stream.
Error H2Call::gone() const {
  if (lost_) {
    if (has_head_)
      return {ErrorKind::kResponseTruncated, Side::kUpstream, lost_->detail + ", in the middle of a reply"};
    return *lost_;
  }
  if (untouched_) return {ErrorKind::kReset, Side::kUpstream, "the server takes no more requests on this connection"};
  if (!fault_.empty()) return {ErrorKind::kBadResponse, Side::kUpstream, "HTTP/2: " + fault_};
  const ErrorKind kind = has_head_ ? ErrorKind::kResponseTruncated : ErrorKind::kReset;
  return {kind, Side::kUpstream, fmt::format("the server reset the stream: {}", nghttp2_http2_strerror(code_))};
}

// Ends the stream, where it has not ended by itself.
void H2Call::detach() noexcept {
  if (slot_) std::exchange(slot_, nullptr)->call_ = nullptr;
  if (!client_) return;
  nghttp2_session_set_stream_user_data(client_->session(), id_, nullptr);
  reset(NGHTTP2_CANCEL);
  client_->forget(*this);
  forget_pending();
  client_ = nullptr;
  link_ = nullptr;
  closed_ = true;
}

void H2Call::release() noexcept {
  detach();
  heads_.clear();
  current_ = {};
  head_.clear();
  limits_ = nullptr;
}

}  // namespace rpx::http
