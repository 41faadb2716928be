#include "h2_link.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "h2_client.h"
#include "http/headers.h"
#include "net/buffer.h"
#include "tls/stream.h"
#include "upstream/dial.h"

namespace rpx::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPauseAfterRefusal = std::chrono::milliseconds(20);
constexpr std::int32_t kWindow = 1 << 24;

nghttp2_nv field(std::string_view name, std::string_view value) noexcept {
  // nghttp2 copies what it is given here; the pointers are not written through.
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) noexcept {
  return {reinterpret_cast<const char*>(bytes), size};
}

std::string_view text_of(nghttp2_rcbuf* buffer) noexcept {
  const nghttp2_vec bytes = nghttp2_rcbuf_get_buf(buffer);
  return text_of(bytes.base, bytes.len);
}

}  // namespace

/// What nghttp2 calls. `self` is the link.
struct H2Link::Callbacks {
  static Stream* find(nghttp2_session* session, std::int32_t id) noexcept {
    return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
  }
  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, nghttp2_rcbuf* name, nghttp2_rcbuf* value,
                       std::uint8_t, void* self) {
    Stream* stream = find(session, frame->hd.stream_id);
    if (stream == nullptr) return 0;
    const std::string_view key = text_of(name);
    auto& link = *static_cast<H2Link*>(self);
    if (key == "set-cookie" && link.plan().cookies) link.owner_.cookies().take(text_of(value));
    if (key == ":status") {
      stream->status = static_cast<std::uint16_t>(parse_uint(text_of(value)).value_or(0));
      stream->fields.clear();
    } else if (link.plan().checks.reads_fields()) {
      stream->fields.emplace_back(key, text_of(value));
    }
    return 0;
  }
  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    if (frame->hd.type == NGHTTP2_GOAWAY) static_cast<H2Link*>(self)->going_ = true;
    const bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (last && (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA))
      if (Stream* stream = find(session, frame->hd.stream_id)) stream->ended = true;
    return 0;
  }
  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                     std::size_t size, void*) {
    Stream* stream = find(session, id);
    if (stream == nullptr) return 0;
    stream->length += size;
    if (stream->hash) stream->hash->add(text_of(data, size));
    return 0;
  }
  static int on_close(nghttp2_session* session, std::int32_t id, std::uint32_t code, void* self) {
    if (Stream* stream = find(session, id)) static_cast<H2Link*>(self)->closed(*stream, code);
    return 0;
  }
  // NOLINTNEXTLINE(readability-function-size): nghttp2 says what its parameters are
  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t size, std::uint32_t* flags,
                           nghttp2_data_source* source, void*) {
    auto& stream = *static_cast<Stream*>(source->ptr);
    const std::size_t count = std::min(size, stream.body.size() - stream.body_at);
    std::copy_n(stream.body.data() + stream.body_at, count, into);
    stream.body_at += count;
    if (stream.body_at == stream.body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }
};

H2Link::H2Link(H2Client& owner, Worker& worker, std::size_t origin, std::size_t number)
    : owner_(owner), worker_(worker), origin_(worker.plan().origins[origin]), number_(number), work_(worker.loop()) {
  if (plan().resume) slot_ = std::make_shared<tls::SessionSlot>();
}

H2Link::~H2Link() { close_session(); }

rt::Task<void> H2Link::run() {
  for (;;) {
    switch (advance()) {
      case Next::kConnect: co_await connect(); break;
      case Next::kIdle: co_await work_.wait(); break;
      case Next::kPause:
        pausing_ = true;
        co_await worker_.loop().sleep_until(Clock::now() + kPauseAfterRefusal);
        pausing_ = false;
        break;
      case Next::kRead:
        if (const rt::Wake wake = co_await stream_->io().readable(deadline_); wake == rt::Wake::kTimeout) expire();
        break;
      case Next::kWrite:
        if (const rt::Wake wake = co_await stream_->io().writable(deadline_); wake == rt::Wake::kTimeout) expire();
        break;
    }
  }
}

// Does all that can be done without waiting, and says what to wait for.
H2Link::Next H2Link::advance() {
  for (;;) {
    if (std::exchange(pause_, false)) return Next::kPause;
    if (session_ != nullptr && going_ && active_ == 0) close_session();
    owner_.fill(this);
    if (queue_.empty() && active_ == 0) return Next::kIdle;
    if (session_ == nullptr) return Next::kConnect;
    submit_queued();
    if (!send()) {
      if (session_ == nullptr) continue;
      return Next::kWrite;
    }
    if (active_ == 0 && (going_ || queue_.empty())) continue;
    if (active_ == 0) deadline_ = queue_.front().sent + plan().timeout;
    if (!stream_->io().may_read()) return Next::kRead;
    if (!receive() && session_ != nullptr) return Next::kRead;
  }
}

// How many more streams may be opened.
std::size_t H2Link::slots() const noexcept {
  if (going_) return 0;
  const std::size_t theirs = nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  const std::size_t most = std::min(static_cast<std::size_t>(plan().at_once), theirs);
  return most > active_ ? most - active_ : 0;
}

std::size_t H2Link::room() const noexcept {
  if (pausing_ || pause_) return 0;
  // The first request of a connection is what it is made for; more are taken once it is there.
  const std::size_t most = session_ == nullptr ? 1 : slots();
  return most > queue_.size() ? most - queue_.size() : 0;
}

bool H2Link::overfull() const noexcept { return session_ != nullptr && !going_ && queue_.size() > slots(); }

void H2Link::wake() {
  if (queue_.empty()) return;
  work_.notify_one();
  if (stream_) stream_->io().interrupt_read();
}

void H2Link::submit_queued() {
  std::size_t count = 0;
  for (const std::size_t most = std::min(slots(), queue_.size()); count < most; ++count)
    if (!submit(queue_[count])) break;
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count));
}

void H2Link::fill_fields(const load::Request& request, const load::Fill& fill, Stream& stream) {
  nv_.clear();
  values_.clear();
  stream.path.clear();
  request.target().render(stream.path, fill);
  nv_.push_back(field(":method", request.method_name()));
  nv_.push_back(field(":scheme", origin_.tls ? "https" : "http"));
  nv_.push_back(field(":authority", request.authority()));
  nv_.push_back(field(":path", stream.path));
  for (const auto& [name, value] : request.lower_headers()) {
    std::string& text = values_.emplace_back();
    value.render(text, fill);
    nv_.push_back(field(name, text));
  }
  if (const std::string_view cookies = owner_.cookies().field(); !cookies.empty())
    nv_.push_back(field("cookie", cookies));
  stream.body.clear();
  stream.body_at = 0;
  if (!request.has_body()) return;
  request.body().render(stream.body, fill);
  nv_.push_back(field("content-length", values_.emplace_back(fmt::format("{}", stream.body.size()))));
}

// False when the numbers of this connection are used up.
bool H2Link::submit(const Job& job) {
  if (free_.empty()) {
    streams_.push_back(std::make_unique<Stream>());
    if (plan().checks.hashes()) streams_.back()->hash = std::make_unique<load::BodyHash>();
    free_.push_back(streams_.back().get());
  }
  Stream& stream = *free_.back();
  free_.pop_back();
  stream.job = job;
  stream.used = true;
  stream.ended = stream.given_up = false;
  stream.length = 0;
  stream.status = 0;
  stream.fields.clear();
  if (stream.hash) stream.hash->reset();
  fill_fields(*job.request, worker_.fill_for(*job.request), stream);
  nghttp2_data_provider body{{.ptr = &stream}, Callbacks::read_body};
  stream.id =
      nghttp2_submit_request(session_, nullptr, nv_.data(), nv_.size(), stream.body.empty() ? nullptr : &body, &stream);
  if (stream.id > 0) {
    if (active_++ == 0) deadline_ = job.sent + plan().timeout;
    return true;
  }
  going_ = true;
  stream.used = false;
  free_.push_back(&stream);
  return false;
}

// True when nothing is left to write.
bool H2Link::send() {
  for (;;) {
    if (sent_ == out_.size()) {
      out_.clear();
      sent_ = 0;
      for (const std::uint8_t* bytes = nullptr;;) {
        const ssize_t count = nghttp2_session_mem_send(session_, &bytes);
        if (count <= 0) break;
        out_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count));
        if (out_.size() > 64 * 1024) break;
      }
      if (out_.empty()) return true;
      worker_.tally().bytes_out += out_.size();
    }
    const iovec piece{out_.data() + sent_, out_.size() - sent_};
    const net::IoResult wrote = stream_->try_write({&piece, 1});
    if (wrote.state == net::IoState::kDone) {
      sent_ += wrote.bytes;
      continue;
    }
    if (wrote.state != net::IoState::kWouldBlock) broken(load::Failure::kReset, errno_text("send", wrote.error));
    return false;
  }
}

// Reads once; false when nothing was there.
bool H2Link::receive() {
  const net::IoResult got = stream_->try_read(net::scratch());
  if (got.state == net::IoState::kWouldBlock) return false;
  if (got.state == net::IoState::kEnd) {
    broken(load::Failure::kClosed, "the server closed before the reply was whole");
    return false;
  }
  if (got.state == net::IoState::kError) {
    broken(load::Failure::kReset, errno_text("recv", got.error));
    return false;
  }
  worker_.received(got.bytes);
  const ssize_t used =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(net::scratch().data()), got.bytes);
  if (used >= 0) return true;
  broken(load::Failure::kProtocol, nghttp2_strerror(static_cast<int>(used)));
  return false;
}

void H2Link::closed(Stream& stream, std::uint32_t code) {
  --active_;
  stream.used = false;
  free_.push_back(&stream);
  const bool whole = stream.ended && stream.status != 0;
  if (!stream.given_up && !whole && code == NGHTTP2_REFUSED_STREAM && going_) {
    queue_.push_back(stream.job);
    return;
  }
  owner_.done();
  if (stream.given_up) return;
  const Instant now = Clock::now();
  if (!whole) {
    worker_.failed(stream.job, load::Failure::kReset,
                   example(stream, fmt::format("stream reset: {}", nghttp2_http2_strerror(code))), now);
    return;
  }
  answered_ = true;
  load::Verdict verdict;
  http::Headers headers;
  for (const auto& [name, value] : stream.fields) headers.add(name, value);
  const load::Checks& checks = plan().checks;
  checks.judge_head(stream.status, headers, verdict);
  checks.judge_body(stream.length, stream.hash.get(), verdict);
  if (verdict.failure && worker_.tally().wants_example(*verdict.failure))
    verdict.detail = example(stream, verdict.detail);
  worker_.finished(stream.job, stream.status, verdict, now);
}

// Streams that have taken too long are given up; the connection goes on.
void H2Link::expire() {
  const Instant now = Clock::now();
  deadline_ = now + plan().timeout;
  for (const auto& stream : streams_) {
    if (!stream->used || stream->given_up) continue;
    const Instant due = stream->job.sent + plan().timeout;
    if (due > now) {
      deadline_ = std::min(deadline_, due);
      continue;
    }
    worker_.failed(stream->job, load::Failure::kTimeout, example(*stream, "no whole reply in time"), now);
    stream->given_up = true;
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
  }
  std::erase_if(queue_, [&](const Job& job) {
    if (job.sent + plan().timeout > now) return false;
    worker_.failed(job, load::Failure::kTimeout, "the server takes no more streams", now);
    owner_.done();
    return true;
  });
}

// What was on its way has failed with the connection.
void H2Link::broken(load::Failure failure, const std::string& why) {
  for (const auto& stream : streams_) {
    if (!stream->used || stream->given_up) continue;
    worker_.failed(stream->job, failure, example(*stream, why), Clock::now());
    stream->given_up = true;
  }
  if (!answered_) pause_ = true;
  close_session();
}

void H2Link::close_session() {
  nghttp2_session_del(session_);
  session_ = nullptr;
  stream_.reset();
  out_.clear();
  sent_ = 0;
  for (; active_ > 0; --active_) owner_.done();
  going_ = answered_ = false;
  free_.clear();
  for (const auto& stream : streams_) {
    stream->used = false;
    free_.push_back(stream.get());
  }
}

std::string H2Link::example(const Stream& stream, std::string_view why) const {
  const load::Request& request = *stream.job.request;
  return fmt::format("{} ({}, {} {})", why, request.authority(), request.method_name(), stream.path);
}

void H2Link::open_session() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback2(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_close);
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_session_client_new2(&session_, callbacks, this, option);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const std::array settings{nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                            nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kWindow);
}

rt::Task<void> H2Link::connect() {
  const Instant begun = Clock::now();
  const Address& address = origin_.addresses[number_ % origin_.addresses.size()];
  upstream::Security security{origin_.tls, origin_.name, slot_};
  security.alpn = upstream::alpn_for("h2", origin_.tls != nullptr);
  auto stream = co_await upstream::dial(worker_.loop(), address, std::move(security), begun + plan().timeout);
  std::string trouble;
  load::Failure failure = load::Failure::kConnect;
  if (!stream) {
    trouble = stream.error().detail;
    const ErrorKind kind = stream.error().kind;
    if (kind == ErrorKind::kTlsCertificate || kind == ErrorKind::kTlsProtocol) failure = load::Failure::kTls;
    if (kind == ErrorKind::kConnectTimeout) failure = load::Failure::kTimeout;
    if (trouble.find("Cannot assign requested address") != std::string::npos) ++worker_.tally().out_of_ports;
  } else if (const auto agreed = upstream::speaks_h2(**stream, "h2", origin_.tls != nullptr); !agreed) {
    trouble = agreed.error().detail;
    failure = load::Failure::kTls;
  }
  if (!trouble.empty()) {
    for (const Job& job : queue_) worker_.failed(job, failure, trouble, Clock::now());
    for (; !queue_.empty(); queue_.pop_back()) owner_.done();
    pause_ = true;
    co_return;
  }
  stream_ = std::move(*stream);
  worker_.tally().connect.record(static_cast<std::uint64_t>((Clock::now() - begun).count()));
  if (origin_.tls && static_cast<const tls::TlsStream&>(*stream_).resumed()) ++worker_.tally().resumed;
  open_session();
}

}  // namespace rpx::bench
