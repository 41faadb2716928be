#include "http/h2_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "http/h2_call.h"
#include "http/h2_memory.h"
#include "net/buffer.h"

namespace rpx::http {
namespace {

// What a server may send of all replies together before we have passed it on: as much as their sum, since a client that
// is slow to read must not hold up the replies of others.
constexpr std::int32_t kServersWindow = 16 * 1024 * 1024;
// Until the server says how many streams it takes; and never more, since they all wait for each other's packets.
constexpr std::uint32_t kStreamsAtFirst = 100;
constexpr std::uint32_t kMostStreams = 256;
constexpr Duration kWriteTimeout = std::chrono::seconds(30);
// After a refused stream others go elsewhere for a moment.
constexpr Duration kAfterRefusal = std::chrono::seconds(1);

std::string_view text_of(nghttp2_rcbuf* buffer) noexcept {
  const nghttp2_vec bytes = nghttp2_rcbuf_get_buf(buffer);
  return {reinterpret_cast<const char*>(bytes.base), bytes.len};
}

}  // namespace

/// What nghttp2 calls. `self` is the client.
struct H2Client::Callbacks {
  static H2Client& of(void* self) noexcept { return *static_cast<H2Client*>(self); }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, nghttp2_rcbuf* name, nghttp2_rcbuf* value,
                       std::uint8_t, void* self) {
    if (H2Call* call = of(self).find(frame->hd.stream_id)) call->take_field(text_of(name), text_of(value));
    return 0;
  }
  static int on_frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    return of(self).on_frame(*frame);
  }
  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                     std::size_t size, void* self) {
    nghttp2_session_consume_connection(session, size);
    if (H2Call* call = of(self).find(id)) call->take_data({reinterpret_cast<const char*>(data), size});
    return 0;
  }
  static int on_frame_send(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    const bool ends = (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
                      (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (!ends) return 0;
    if (H2Call* call = of(self).find(frame->hd.stream_id)) call->take_left();
    return 0;
  }
  // A request that was never put on the wire, since the connection takes no more.
  static int on_frame_not_send(nghttp2_session*, const nghttp2_frame* frame, int, void* self) {
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    if (H2Call* call = of(self).find(frame->hd.stream_id)) call->take_refusal();
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* self) {
    H2Client& client = of(self);
    if (code == NGHTTP2_REFUSED_STREAM && !client.retired_) client.no_more_till_ = client.loop().now() + kAfterRefusal;
    if (H2Call* call = client.find(id)) {
      call->take_reset(code);
      client.forget(*call);
    }
    return 0;
  }
  // What the server says is not HTTP/2: by now a stream, or all of them, is about to be ended by us.
  static int on_invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int code, void* self) {
    H2Client& client = of(self);
    client.fault_ = nghttp2_strerror(code);
    if (H2Call* call = client.find(frame->hd.stream_id)) call->spoil(client.fault_);
    return 0;
  }
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame* frame, nghttp2_rcbuf*, nghttp2_rcbuf*,
                               std::uint8_t, void* self) {
    if (H2Call* call = of(self).find(frame->hd.stream_id)) call->spoil("a field that HTTP/2 does not allow");
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
};

H2Client::H2Client(std::unique_ptr<net::Stream> stream)
    : H2Link(*stream, Side::kUpstream, kWriteTimeout, kServersWindow),
      owned_(std::move(stream)),
      idle_since_(loop().now()),
      heard_(loop().now()),
      settled_(loop()),
      task_(loop()) {
  open();
  task_.start(run());
}

H2Client::~H2Client() {
  task_.cancel();
  stop_writing();
  if (over_) return;
  end_calls();
  // The server learns of what was cancelled, and that this is the end, where it still listens.
  flush();
  nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
  flush();
}

void H2Client::open() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback2(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::on_frame_recv);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Callbacks::on_frame_send);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, Callbacks::on_frame_not_send);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_close);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, Callbacks::on_invalid_frame);
  nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, Callbacks::on_invalid_header);
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_peer_max_concurrent_streams(option, kStreamsAtFirst);
  nghttp2_session_client_new3(&session_, callbacks, this, option, h2_memory());
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const std::array settings{
      nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
  };
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kServersWindow);
}

bool H2Client::usable() const noexcept {
  if (over_ || retired_ || failure_ || no_more_till_ > loop().now()) return false;
  const std::uint32_t most = nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  const std::uint32_t at_first = unsaid_ ? kStreamsAtFirst : 1;
  return slots_ < std::min(told_settings_ ? most : at_first, kMostStreams) &&
         nghttp2_session_check_request_allowed(session_) != 0;
}

rt::Task<void> H2Client::settle(Instant deadline) {
  while (!told_settings_ && !over_) {
    const bool notified = co_await settled_.wait(deadline);
    if (!notified) break;
  }
  if (!told_settings_) unsaid_ = true;
}

bool H2Client::connects() const noexcept {
  return told_settings_ && nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

void H2Client::retire() noexcept {
  if (retired_) return;
  retired_ = true;
  queue_turn();
}

H2Call* H2Client::find(std::int32_t id) const noexcept {
  return static_cast<H2Call*>(nghttp2_session_get_stream_user_data(session_, id));
}

void H2Client::forget(const H2Call& call) noexcept { std::erase(calls_, &call); }

int H2Client::on_frame(const nghttp2_frame& frame) {
  const bool end = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_GOAWAY: retired_ = true; return 0;
    case NGHTTP2_SETTINGS:
      told_settings_ = true;
      settled_.notify_all();
      return 0;
    case NGHTTP2_DATA:
    case NGHTTP2_HEADERS: break;
    default: return 0;
  }
  H2Call* call = find(frame.hd.stream_id);
  if (!call) return 0;
  if (frame.hd.type == NGHTTP2_HEADERS && !call->complete_fields(end)) {
    call->spoil("fields that HTTP/2 does not allow");
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, frame.hd.stream_id, NGHTTP2_PROTOCOL_ERROR);
    return 0;
  }
  if (end)
    call->take_end();
  else
    call->tell();
  return 0;
}

bool H2Client::finished() noexcept {
  if (retired_ && slots_ == 0 && nghttp2_session_want_write(session_) == 0 && written()) return true;
  return wants_nothing();
}

void H2Client::take_turn() {
  flush();
  if (failure_ || finished()) stream_.io().interrupt_read();
}

Error H2Client::ending() const {
  if (failure_) return *failure_;
  if (!fault_.empty()) return {ErrorKind::kBadResponse, Side::kUpstream, fmt::format("HTTP/2: {}", fault_)};
  return {ErrorKind::kClosed, Side::kUpstream, "the server closed the connection"};
}

void H2Client::end_calls() {
  const Error error = ending();
  for (H2Call* call : std::exchange(calls_, {})) call->take_loss(error);
  settled_.notify_all();
}

rt::Task<Status> H2Client::run() {
  rt::Pollable& io = stream_.io();
  start_writing();
  queue_turn();
  for (std::uint32_t round = 1; !failure_; ++round) {
    if (!io.may_read()) {
      if (finished()) break;
      co_await io.readable(Instant::max());
      if (failure_ || finished()) break;
      continue;
    }
    const net::IoResult got = stream_.try_read(net::scratch());
    if (got.state == net::IoState::kWouldBlock) continue;
    if (got.state == net::IoState::kError) fail(net::io_error(got.error, Side::kUpstream, "recv"));
    if (got.state != net::IoState::kDone) break;
    heard_ = loop().now();
    const std::string_view bytes(net::scratch().data(), got.bytes);
    if (!told_settings_ && bytes.starts_with("HTTP/1.")) {
      fail({ErrorKind::kBadResponse, Side::kUpstream, "the server answers in HTTP/1, not HTTP/2"});
      break;
    }
    if (const Status taken = take(bytes); !taken) {
      fail(taken.error());
      break;
    }
    if (wants_nothing() || nghttp2_session_want_read(session_) == 0) break;
    queue_turn();
    if (round % 16 == 0) co_await loop().yield();
  }
  flush();
  over_ = true;
  end_calls();
  stream_.shutdown_write();
  co_return Status{};
}

H2Slot::H2Slot(std::shared_ptr<H2Client> client) noexcept : client_(std::move(client)) { ++client_->slots_; }

H2Slot::~H2Slot() {
  if (call_) call_->detach();
  if (--client_->slots_ != 0) return;
  client_->idle_since_ = client_->loop().now();
  if (client_->retired_) client_->queue_turn();
}

}  // namespace rpx::http
