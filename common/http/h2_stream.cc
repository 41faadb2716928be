#include "http/h2_stream.h"

#include "http/h2_session.h"

namespace rpx::http {

H2Stream::H2Stream(rt::Loop& loop) : H2Body(loop, Side::kClient, 0), ended_(*this) {}

void H2Stream::begin(H2Session& session, std::int32_t id) {
  session_ = &session;
  least_rate_ = session.limits_.min_body_rate;
  head_bytes_ = 0;
  has_head_ = tunnel_ = replied_ = finishing_ = false;
  attach(session, id);
}

void H2Stream::release() noexcept {
  if (work_) work_->rest();
  ended_.dequeue();
  leave();
  session_ = nullptr;
  fault_.reset();
  head_.headers.clear();
  arena_.clear();
  due_ = false;
}

void H2Stream::Ended::run() {
  if (stream.session_) stream.session_->see_to(stream);
}

H2Stream::~H2Stream() = default;

Error H2Stream::gone() const { return {ErrorKind::kReset, Side::kClient, "the client went away"}; }

BodySource& H2Stream::body(std::uint64_t most) noexcept {
  most_ = most;
  return *this;
}

// The head of a reply as nghttp2 wants it, which copies it.
void H2Stream::collect(std::uint16_t status, const Headers& headers, H2Block& block) {
  block.add(":status", arena().decimal(status));
  sent_ += block.add_all(headers, arena());
}

Status H2Stream::send_interim(std::uint16_t status, const Headers& headers) {
  // 101 has no meaning here (RFC 9113 section 8.6).
  if (closed_ || replied_ || status == 101) return {};
  H2Block block;
  collect(status, headers, block);
  nghttp2_submit_headers(link_->session(), NGHTTP2_FLAG_NONE, id_, nullptr, block.data(), block.size(), nullptr);
  link_->queue_turn();
  return {};
}

BodySink& H2Stream::reply(std::uint16_t status, std::string_view, Headers& headers, ReplyBody body) {
  if (body.length && status >= 200 && status != 204)
    headers.add(FieldId::kContentLength, "Content-Length", arena().decimal(*body.length));
  replied_ = true;
  if (closed_) return *this;
  H2Block block;
  collect(status, headers, block);
  if (!body.present) {
    complete_ = true;
    nghttp2_submit_response(link_->session(), id_, block.data(), block.size(), nullptr);
  } else {
    nghttp2_data_provider provider{};
    provider.source.ptr = this;
    provider.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t size,
                                std::uint32_t* flags, nghttp2_data_source* source, void*) -> ssize_t {
      return static_cast<H2Stream*>(source->ptr)->produce(into, size, *flags);
    };
    nghttp2_submit_response(link_->session(), id_, block.data(), block.size(), &provider);
  }
  link_->queue_turn();
  return *this;
}

rt::Task<void> H2Stream::finish(Duration stall) {
  finishing_ = true;
  while (!closed_ && !left_ && complete_) {
    const bool notified = co_await moved_.wait(deadline_after(loop_.now(), stall));
    if (!notified) cut();
  }
  if (!closed_ && !left_) cut();
}

void H2Stream::cut() noexcept {
  if (left_) return;
  left_ = true;
  // RFC 8441 section 5: how a tunnel says that its connection was reset.
  reset(tunnel_ ? NGHTTP2_CANCEL : NGHTTP2_INTERNAL_ERROR);
}

}  // namespace rpx::http
