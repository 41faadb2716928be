#include "http/h2_session.h"

#include <algorithm>
#include <array>

#include "base/result.h"
#include "net/buffer.h"

namespace rpx::http {
namespace {

// What a client may send before we have used it up: of one body, and of all together.
constexpr std::int32_t kStreamWindow = 256 * 1024;
constexpr std::int32_t kConnectionWindow = 1024 * 1024;
// Settings, pings, priorities and empty frames of a second; more has no use.
constexpr std::uint32_t kMostChatter = 1000;
constexpr std::size_t kMostOwed = 1000;

std::string_view view_of(nghttp2_rcbuf* buffer) noexcept {
  const nghttp2_vec bytes = nghttp2_rcbuf_get_buf(buffer);
  return {reinterpret_cast<const char*>(bytes.base), bytes.len};
}

}  // namespace

/// What nghttp2 calls. `self` is the session.
struct H2Session::Callbacks {
  static H2Session& of(void* self) noexcept { return *static_cast<H2Session*>(self); }

  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    H2Session& session = of(self);
    session.head_begun_ = session.stream_.io().loop().now();
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    const std::int32_t id = frame->hd.stream_id;
    if (session.streams_.empty()) session.handler_.set_idle(false);
    session.streams_.emplace(id, std::make_unique<H2Stream>(session, id));
    return 0;
  }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, nghttp2_rcbuf* name, nghttp2_rcbuf* value,
                       std::uint8_t, void* self) {
    if (H2Stream* stream = of(self).find(frame->hd.stream_id)) stream->take_field(view_of(name), view_of(value));
    return 0;
  }
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf*, nghttp2_rcbuf*, std::uint8_t,
                               void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  static int on_frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    return of(self).on_frame(*frame);
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size,
                     void* self) {
    H2Session& session = of(self);
    H2Stream* stream = session.find(id);
    // A reply that is over makes the rest of its request worthless.
    if (stream && !stream->left())
      stream->take_data({reinterpret_cast<const char*>(data), size});
    else
      nghttp2_session_consume(session.session_, id, size);
    return 0;
  }
  static int on_frame_send(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    const bool ends = (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
                      (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    H2Stream* stream = ends ? of(self).find(frame->hd.stream_id) : nullptr;
    if (!stream) return 0;
    stream->take_left();
    // RFC 9113 section 8.1: the reply is whole, the rest of the request is not wanted.
    if (!stream->received_all()) nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id(), NGHTTP2_NO_ERROR);
    return 0;
  }
  static int on_close(nghttp2_session* session, std::int32_t id, std::uint32_t, void* self) {
    H2Stream* stream = of(self).find(id);
    if (!stream) return 0;
    // What nobody has read must not take room of the other streams for ever.
    if (stream->unread() != 0) nghttp2_session_consume_connection(session, stream->unread());
    stream->take_close();
    of(self).queue_turn();
    return 0;
  }
};

H2Session::H2Session(net::Stream& stream, const Limits& limits, H2Handler& handler)
    : H2Link(stream, Side::kClient, limits.write_timeout),
      limits_(limits),
      handler_(handler),
      idle_since_(stream.io().loop().now()) {
  open();
}

H2Session::~H2Session() {
  stop_writing();
  // Work may still have something to say to its stream when it ends.
  for (auto& [id, stream] : streams_) stream->work_.reset();
  streams_.clear();
}

void H2Session::open() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback2(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, Callbacks::on_invalid_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::on_frame_recv);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Callbacks::on_frame_send);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_close);
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_max_outbound_ack(option, kMostOwed);
  nghttp2_option_set_max_settings(option, 32);
  nghttp2_session_server_new2(&session_, callbacks, this, option);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const std::array settings{
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits_.h2_streams},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
                             static_cast<std::uint32_t>(std::min<Size>(limits_.header_bytes, 1U << 30U))},
  };
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

H2Stream* H2Session::find(std::int32_t id) noexcept {
  const auto at = streams_.find(id);
  return at == streams_.end() ? nullptr : at->second.get();
}

int H2Session::on_frame(const nghttp2_frame& frame) {
  const Instant now = stream_.io().loop().now();
  const bool end = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_RST_STREAM:
      if (resets_.exceeds(now, limits_.h2_resets)) calm("more streams reset than h2_resets");
      return 0;
    case NGHTTP2_SETTINGS:
    case NGHTTP2_PING:
    case NGHTTP2_PRIORITY:
      if (chatter_.exceeds(now, kMostChatter)) calm("settings, pings or priorities without end");
      return 0;
    case NGHTTP2_DATA:
      if (frame.hd.length == 0 && !end && chatter_.exceeds(now, kMostChatter)) calm("empty frames without end");
      break;
    case NGHTTP2_HEADERS: head_begun_ = Instant::max(); break;
    default: return 0;
  }
  H2Stream* stream = find(frame.hd.stream_id);
  if (!stream) return 0;
  if (frame.hd.type == NGHTTP2_DATA) {
    if (!end) stream->tell();
  } else if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    stream->complete_head(end);
    ready_.push_back(stream->id());
    return 0;
  } else if (!stream->complete_trailers(limits_)) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream->id(), NGHTTP2_PROTOCOL_ERROR);
    return 0;
  }
  if (end) stream->take_end();
  return 0;
}

// Outside nghttp2's own calls, since work may have its reply at once.
void H2Session::start_ready() {
  for (std::size_t i = 0; i < ready_.size(); ++i) {
    H2Stream* stream = find(ready_[i]);
    if (!stream || stream->closed()) continue;
    ++requests_;
    stream->work_ = handler_.begin(*stream);
  }
  ready_.clear();
}

void H2Session::reap() {
  for (auto at = streams_.begin(); at != streams_.end();) {
    H2Stream& stream = *at->second;
    const bool working = stream.work_ && !stream.work_->done();
    if (!stream.closed() && stream.work_ && !working && !stream.left()) stream.cut();
    // Work that is done but for its last words is let finish.
    if (!stream.closed() || (working && stream.complete())) {
      ++at;
      continue;
    }
    if (working) stream.work_->abandon(stream.gone());
    at = streams_.erase(at);
    if (!streams_.empty()) continue;
    idle_since_ = stream_.io().loop().now();
    handler_.set_idle(true);
    break;
  }
  if (handler_.draining()) go_away();
}

void H2Session::go_away() noexcept {
  if (going_) return;
  going_ = true;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
}

void H2Session::calm(const char* why) noexcept {
  if (!failure_) failure_ = Error{ErrorKind::kBadRequest, Side::kClient, why};
  nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
}

bool H2Session::over() noexcept {
  if (going_ && streams_.empty() && nghttp2_session_want_write(session_) == 0 && written()) return true;
  return wants_nothing();
}

void H2Session::take_turn() {
  flush();
  reap();
  flush();
  if (failure_ || over()) stream_.io().interrupt_read();
}

Instant H2Session::deadline() const noexcept {
  if (head_begun_ != Instant::max()) return deadline_after(head_begun_, limits_.header_timeout);
  if (!streams_.empty()) return Instant::max();
  return deadline_after(idle_since_, requests_ == 0 ? limits_.header_timeout : limits_.keepalive);
}

rt::Task<Status> H2Session::run() {
  rt::Pollable& io = stream_.io();
  start_writing();
  for (std::uint32_t round = 1; !failure_; ++round) {
    if (!io.may_read()) {
      take_turn();
      if (failure_ || over()) break;
      const rt::Wake wake = co_await io.readable(deadline());
      if (wake == rt::Wake::kTimeout) {
        if (head_begun_ != Instant::max())
          fail({ErrorKind::kHeaderTimeout, Side::kClient, "the request head did not come in time"});
        go_away();
        take_turn();
        break;
      }
      if (wake == rt::Wake::kInterrupted) {
        take_turn();
        if (over()) break;
      }
      continue;
    }
    const net::IoResult got = stream_.try_read(net::scratch());
    if (got.state == net::IoState::kWouldBlock) continue;
    if (got.state != net::IoState::kDone) break;
    const Status taken = take({net::scratch().data(), got.bytes});
    if (!taken) {
      flush();
      co_return taken;
    }
    start_ready();
    if (over()) break;
    if (round % 16 == 0) co_await io.loop().yield();
  }
  flush();
  for (auto& [id, stream] : streams_)
    if (stream->work_ && !stream->work_->done()) stream->work_->abandon(stream->gone());
  if (failure_) co_return std::unexpected(*failure_);
  co_return Status{};
}

}  // namespace rpx::http
