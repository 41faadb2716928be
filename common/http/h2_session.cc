#include "http/h2_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/result.h"
#include "http/h2_memory.h"
#include "net/buffer.h"

namespace rpx::http {
namespace {

// What a client may send before we have used it up, of all bodies together, at first; see H2Link::widen().
constexpr std::int32_t kClientsWindow = 256 * 1024;
constexpr std::size_t kMostOwed = 1000;
// Fields of one stream, in times of header_bytes, that end the connection.
constexpr std::uint64_t kMostOver = 8;
// For a client to end a request whose reply is whole already, so that a short upload is not cut off for nothing.
constexpr Duration kOvertaken = std::chrono::milliseconds(250);
// For a client to answer a ping, which tells that it knows of the end to come.
constexpr Duration kRoundTrip = std::chrono::seconds(1);
constexpr std::array<std::uint8_t, 8> kEndPing{'r', 'p', 'x', '-', 'e', 'n', 'd', '.'};

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
    session.streams_.push_back(session.handler_.make());
    H2Stream& stream = *session.streams_.back();
    stream.begin(session, id);
    stream.place_ = session.streams_.size() - 1;
    // The one before may have been refused half-way.
    session.end_head();
    session.coming_ = H2HeadText::borrow();
    session.heading_ = &stream;
    nghttp2_session_set_stream_user_data(session.session_, id, &stream);
    return 0;
  }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, nghttp2_rcbuf* name, nghttp2_rcbuf* value,
                       std::uint8_t, void* self) {
    H2Session& session = of(self);
    H2Stream* stream = session.heading_;
    // Else they are trailers.
    if (!stream || stream->id() != frame->hd.stream_id) stream = session.find(frame->hd.stream_id);
    if (!stream || (stream != session.heading_ && !stream->has_head_)) return 0;
    stream->take_field(view_of(name), view_of(value));
    // Few bytes may stand for many (RFC 7541 section 7.3): this far from what is allowed nobody gets by mistake.
    if (stream->head_bytes_ > kMostOver * session.limits_.header_bytes) session.calm(H2Flood::kFields);
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
      nghttp2_session_consume_connection(session.session_, size);
    return 0;
  }
  static int on_frame_send(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    H2Session& session = of(self);
    switch (frame->hd.type) {
      case NGHTTP2_DATA: session.watch_.sent_data(); break;
      case NGHTTP2_HEADERS: break;
      case NGHTTP2_RST_STREAM: return session.sent_reset(frame->rst_stream.error_code);
      case NGHTTP2_GOAWAY: return session.sent_end(frame->goaway.error_code);
      default: return 0;
    }
    const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    H2Stream* stream = ends ? session.find(frame->hd.stream_id) : nullptr;
    if (!stream) return 0;
    stream->take_left();
    if (!stream->received_all()) session.wait_for_end(stream->id());
    return 0;
  }
  static int on_close(nghttp2_session* session, std::int32_t id, std::uint32_t, void* self) {
    H2Stream* stream = of(self).find(id);
    if (!stream) return 0;
    // What nobody has read must not take room of the other streams for ever.
    if (stream->unread() != 0) nghttp2_session_consume_connection(session, stream->unread());
    stream->take_close();
    of(self).look_at(*stream);
    of(self).queue_turn();
    return 0;
  }
};

H2Session::H2Session(net::Stream& stream, const Limits& limits, H2Handler& handler)
    : H2Link(stream, Side::kClient, limits.write_timeout, kClientsWindow),
      limits_(limits),
      handler_(handler),
      idle_since_(stream.io().loop().now()),
      watch_(limits),
      patience_(*this) {
  open();
}

H2Session::~H2Session() {
  stop_writing();
  // Work may still have something to say to its stream when it ends.
  while (!streams_.empty()) let_go(*streams_.back());
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
  nghttp2_session_server_new3(&session_, callbacks, this, option, h2_memory());
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const std::array settings{
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits_.h2_streams},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
                             static_cast<std::uint32_t>(std::min<Size>(limits_.header_bytes, 1U << 30U))},
  };
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kClientsWindow);
}

H2Stream* H2Session::find(std::int32_t id) noexcept {
  return static_cast<H2Stream*>(nghttp2_session_get_stream_user_data(session_, id));
}

// Frames of the client up to one that makes no sense, or is one too many.
Status H2Session::receive(std::string_view bytes) {
  while (!bytes.empty() && !failure_) {
    const H2Watch::Seen seen = watch_.look(bytes, loop().now());
    RPX_TRY_VOID(take(bytes.substr(0, seen.bytes)));
    bytes.remove_prefix(seen.bytes);
    if (seen.sight != H2Watch::Sight::kFine) object(seen);
  }
  return {};
}

void H2Session::object(const H2Watch::Seen& seen) {
  switch (seen.sight) {
    case H2Watch::Sight::kFine: return;
    case H2Watch::Sight::kFlood: return calm(seen.flood);
    case H2Watch::Sight::kPadding: return violated(NGHTTP2_PROTOCOL_ERROR, "padding longer than its frame");
    case H2Watch::Sight::kUnopened:
      return violated(NGHTTP2_PROTOCOL_ERROR, "a stream whose number is lower than that of one before");
    case H2Watch::Sight::kEnded:
      // As long as nghttp2 knows the stream, it objects by itself.
      if (nghttp2_session_find_stream(session_, seen.stream) == nullptr)
        violated(NGHTTP2_STREAM_CLOSED, "frames on a stream that has ended");
  }
}

// A stream that we have had to reset for what the client did is one that the client has reset.
int H2Session::sent_reset(std::uint32_t code) noexcept {
  const bool ours = code == NGHTTP2_NO_ERROR || code == NGHTTP2_INTERNAL_ERROR || code == NGHTTP2_CANCEL;
  if (!ours && watch_.faulted(loop().now())) calm(H2Flood::kResets);
  return 0;
}

int H2Session::sent_end(std::uint32_t code) noexcept {
  if (code != NGHTTP2_NO_ERROR && !failure_)
    failure_ = Error{ErrorKind::kBadRequest, Side::kClient, fmt::format("HTTP/2: {}", nghttp2_http2_strerror(code))};
  return 0;
}

int H2Session::on_frame(const nghttp2_frame& frame) {
  const bool end = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_PING:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0 && std::ranges::equal(frame.ping.opaque_data, kEndPing) &&
          goodbye_ == Goodbye::kAnnounced)
        go_away();
      return 0;
    case NGHTTP2_DATA: break;
    case NGHTTP2_HEADERS: head_begun_ = Instant::max(); break;
    default: return 0;
  }
  H2Stream* stream = find(frame.hd.stream_id);
  if (!stream) return 0;
  if (frame.hd.type == NGHTTP2_DATA) {
    if (!end) stream->tell();
  } else if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    // Of a head that was refused half-way nothing more comes.
    if (stream != heading_) return 0;
    stream->complete_head(end);
    end_head();
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

void H2Session::let_go(H2Stream& stream) noexcept {
  if (heading_ == &stream) end_head();
  const std::size_t place = stream.place_;
  std::unique_ptr<H2Stream> ended = std::move(streams_[place]);
  if (place + 1 != streams_.size()) {
    streams_[place] = std::move(streams_.back());
    streams_[place]->place_ = place;
  }
  streams_.pop_back();
  if (ended->due_) std::ranges::replace(due_, ended.get(), nullptr);
  ended->release();
  handler_.keep(std::move(ended));
}

void H2Session::look_at(H2Stream& stream) noexcept {
  if (std::exchange(stream.due_, true)) return;
  due_.push_back(&stream);
}

void H2Session::reap() {
  if (handler_.draining()) announce_end();
  // Seeing to one may add others.
  for (std::size_t n = 0; n < due_.size(); ++n) {
    H2Stream* const stream = due_[n];
    if (!stream) continue;
    stream->due_ = false;
    see_to(*stream);
  }
  due_.clear();
}

void H2Session::see_to(H2Stream& stream) {
  const bool working = stream.work_ && !stream.work_->done();
  if (!stream.closed() && stream.work_ && !working && !stream.left()) stream.cut();
  // Work that has said all is let finish.
  if (!stream.closed() || (working && stream.complete() && !stream.finishing_)) return;
  if (working && !stream.finishing_) stream.work_->abandon(stream.gone());
  let_go(stream);
  if (!streams_.empty()) return;
  idle_since_ = loop().now();
  handler_.set_idle(true);
  // That may have been all that a session to be ended has waited for.
  if (goodbye_ != Goodbye::kNotYet) queue_turn();
}

// RFC 9113 section 6.8: first that an end comes, and after a round trip which streams are served.
void H2Session::announce_end() noexcept {
  if (goodbye_ != Goodbye::kNotYet) return;
  goodbye_ = Goodbye::kAnnounced;
  announced_ = loop().now();
  nghttp2_submit_shutdown_notice(session_);
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, kEndPing.data());
}

void H2Session::go_away() noexcept {
  if (goodbye_ == Goodbye::kSaid) return;
  goodbye_ = Goodbye::kSaid;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
}

void H2Session::calm(H2Flood flood) noexcept {
  if (failure_) return;
  flood_ = flood;
  failure_ = Error{ErrorKind::kBadRequest, Side::kClient,
                   fmt::format("HTTP/2: a flood of {}{}", name_of(flood),
                               flood == H2Flood::kResets ? ", more than limits.h2_resets" : "")};
  nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
}

void H2Session::violated(std::uint32_t code, const char* why) noexcept {
  if (failure_) return;
  failure_ = Error{ErrorKind::kBadRequest, Side::kClient, fmt::format("HTTP/2: {}", why)};
  nghttp2_session_terminate_session(session_, code);
}

void H2Session::wait_for_end(std::int32_t stream) {
  overtaken_.push_back({stream, loop().now() + kOvertaken});
  if (!patience_.armed()) loop().timers().arm(patience_, overtaken_.front().until);
}

// RFC 9113 section 8.1: the reply is whole, the rest of the request is not wanted.
void H2Session::reset_overtaken() {
  const Instant now = loop().now();
  auto at = overtaken_.begin();
  for (; at != overtaken_.end() && at->until <= now; ++at)
    if (find(at->stream)) nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, at->stream, NGHTTP2_NO_ERROR);
  overtaken_.erase(overtaken_.begin(), at);
  if (!overtaken_.empty()) loop().timers().arm(patience_, overtaken_.front().until);
  queue_turn();
}

bool H2Session::over() noexcept {
  if (goodbye_ == Goodbye::kSaid && streams_.empty() && nghttp2_session_want_write(session_) == 0 && written())
    return true;
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
  if (goodbye_ == Goodbye::kAnnounced) return announced_ + kRoundTrip;
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
        // A request may be on its way to a connection that is given up for being idle.
        else if (goodbye_ == Goodbye::kNotYet && requests_ != 0)
          announce_end();
        if (goodbye_ != Goodbye::kAnnounced || announced_ + kRoundTrip <= io.loop().now()) go_away();
        take_turn();
        if (goodbye_ == Goodbye::kSaid && streams_.empty()) break;
        continue;
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
    const Status taken = receive({net::scratch().data(), got.bytes});
    if (!taken) {
      flush();
      co_return taken;
    }
    if (!failure_) start_ready();
    if (over()) break;
    if (round % 16 == 0) co_await io.loop().yield();
  }
  flush();
  for (const auto& stream : streams_)
    if (stream->work_ && !stream->work_->done() && !stream->finishing_) stream->work_->abandon(stream->gone());
  if (failure_) co_return std::unexpected(*failure_);
  co_return Status{};
}

}  // namespace rpx::http
