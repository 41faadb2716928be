#include "http/h2_stream.h"

#include <fmt/format.h>

#include "http/h2_session.h"

namespace rpx::http {

namespace {

// A text that is kept for the next use is not larger.
constexpr std::size_t kKeptText = 4096;

}  // namespace

H2Stream::H2Stream(rt::Loop& loop) : H2Body(loop, Side::kClient, 0) {}

void H2Stream::begin(H2Session& session, std::int32_t id) {
  session_ = &session;
  least_rate_ = session.limits_.min_body_rate;
  attach(session, id);
}

void H2Stream::release() noexcept {
  if (work_) work_->rest();
  leave();
  session_ = nullptr;
  fault_.reset();
  for (std::string* text : {&method_, &path_, &authority_, &protocol_, &host_, &cookies_, &fields_, &text_}) {
    text->clear();
    if (text->capacity() > kKeptText) text->shrink_to_fit();
  }
  head_.clear();
  arena_.clear();
  block_.clear();
  head_bytes_ = 0;
  field_count_ = 0;
  has_length_ = has_head_ = replied_ = false;
}

H2Stream::~H2Stream() = default;

Error H2Stream::gone() const { return {ErrorKind::kReset, Side::kClient, "the client went away"}; }

BodySource& H2Stream::body(std::uint64_t most) noexcept {
  most_ = most;
  return *this;
}

// The head of a reply as nghttp2 wants it.
void H2Stream::collect(std::uint16_t status, const Headers& headers) {
  block_.clear();
  block_.add(":status", arena().copy(fmt::format("{}", status)));
  sent_ += block_.add_all(headers, arena());
}

Status H2Stream::send_interim(std::uint16_t status, const Headers& headers) {
  // 101 has no meaning here (RFC 9113 section 8.6).
  if (closed_ || replied_ || status == 101) return {};
  collect(status, headers);
  nghttp2_submit_headers(link_->session(), NGHTTP2_FLAG_NONE, id_, nullptr, block_.data(), block_.size(), nullptr);
  link_->queue_turn();
  return {};
}

BodySink& H2Stream::reply(std::uint16_t status, std::string_view, Headers& headers, ReplyBody body) {
  if (body.length && status >= 200 && status != 204)
    headers.add(FieldId::kContentLength, "Content-Length", arena().copy(fmt::format("{}", *body.length)));
  replied_ = true;
  if (closed_) return *this;
  collect(status, headers);
  if (!body.present) {
    complete_ = true;
    nghttp2_submit_response(link_->session(), id_, block_.data(), block_.size(), nullptr);
  } else {
    nghttp2_data_provider provider{};
    provider.source.ptr = this;
    provider.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t size,
                                std::uint32_t* flags, nghttp2_data_source* source, void*) -> ssize_t {
      return static_cast<H2Stream*>(source->ptr)->produce(into, size, *flags);
    };
    nghttp2_submit_response(link_->session(), id_, block_.data(), block_.size(), &provider);
  }
  link_->queue_turn();
  return *this;
}

rt::Task<void> H2Stream::finish(Duration stall) {
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
  reset(protocol_.empty() ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CANCEL);
}

}  // namespace rpx::http
