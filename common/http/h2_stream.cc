#include "http/h2_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/result.h"
#include "base/text.h"
#include "http/h2_session.h"

namespace rpx::http {
namespace {

// A reply may have so much pending before whoever writes it has to wait.
constexpr std::size_t kMostPending = 64 * 1024;
constexpr Duration kSlowGrace = std::chrono::seconds(5);

bool is_of_connection(FieldId id) noexcept {
  switch (id) {
    case FieldId::kConnection:
    case FieldId::kTransferEncoding:
    case FieldId::kKeepAlive:
    case FieldId::kProxyConnection:
    case FieldId::kUpgrade: return true;
    default: return false;
  }
}

nghttp2_nv to_nv(std::string_view name, std::string_view value) noexcept {
  // nghttp2 copies them; it takes pointers to what it does not change.
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

template <class Lines>
std::vector<nghttp2_nv> to_block(const Lines& lines) {
  std::vector<nghttp2_nv> out;
  out.reserve(lines.size());
  for (const auto& [name, value] : lines) out.push_back(to_nv(name, value));
  return out;
}

}  // namespace

H2Stream::H2Stream(H2Session& session, std::int32_t id)
    : session_(session), id_(id), arrived_(session.stream_.io().loop()), moved_(session.stream_.io().loop()) {}

H2Stream::~H2Stream() = default;

rt::Loop& H2Stream::loop() noexcept { return session_.stream_.io().loop(); }

Error H2Stream::gone() const { return {ErrorKind::kReset, Side::kClient, "the client went away"}; }

void H2Stream::take_end() noexcept {
  received_all_ = true;
  arrived_.notify_all();
}

void H2Stream::take_close() noexcept {
  closed_ = true;
  arrived_.notify_all();
  moved_.notify_all();
}

BodySource& H2Stream::body(std::uint64_t most) noexcept {
  most_ = most;
  return *this;
}

Result<BodyPiece> H2Stream::try_read(std::size_t most) {
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
  if (!closed_) {
    nghttp2_session_consume(session_.session_, id_, piece.size());
    session_.queue_turn();
  }
  if (most_ != 0 && received_ > most_) return client_error(ErrorKind::kBodyTooLarge, "body over the limit");
  return BodyPiece{piece, ended(), false};
}

rt::Task<Status> H2Stream::wait(Duration stall) {
  if (!in_.empty() || received_all_ || closed_) co_return Status{};
  rt::Loop& here = loop();
  const Instant begun = here.now();
  Instant deadline = deadline_after(begun, stall);
  Instant too_slow = Instant::max();
  if (const Size least = session_.limits_.min_body_rate; least != 0) {
    const auto earned = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(static_cast<double>(received_) / static_cast<double>(least)));
    too_slow = begun + std::max(kSlowGrace, earned) - waited_;
    deadline = std::min(deadline, too_slow);
  }
  const bool notified = co_await arrived_.wait(deadline);
  waited_ += here.now() - begun;
  if (notified) co_return Status{};
  if (deadline == too_slow) co_return client_error(ErrorKind::kBodyTooSlow, "the body comes slower than min_body_rate");
  co_return client_error(ErrorKind::kBodyTimeout, "no more of the body in time");
}

// The head of a reply as nghttp2 wants it: names in lower case, and nothing about the connection.
void H2Stream::collect(std::uint16_t status, const Headers& headers) {
  lines_.clear();
  lines_.emplace_back(":status", arena().copy(fmt::format("{}", status)));
  for (const Field& field : headers) {
    if (is_of_connection(field.id)) continue;
    char* name = arena().allocate(field.name.size());
    std::ranges::transform(field.name, name,
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    lines_.emplace_back(std::string_view(name, field.name.size()), field.value);
    sent_ += field.name.size() + field.value.size();
  }
}

Status H2Stream::send_interim(std::uint16_t status, const Headers& headers) {
  // 101 has no meaning here (RFC 9113 section 8.6).
  if (closed_ || replied_ || status == 101) return {};
  collect(status, headers);
  const std::vector<nghttp2_nv> block = to_block(lines_);
  nghttp2_submit_headers(session_.session_, NGHTTP2_FLAG_NONE, id_, nullptr, block.data(), block.size(), nullptr);
  session_.queue_turn();
  return {};
}

BodySink& H2Stream::reply(std::uint16_t status, std::string_view, Headers& headers, ReplyBody body) {
  if (body.length && status >= 200 && status != 204)
    headers.add(FieldId::kContentLength, "Content-Length", arena().copy(fmt::format("{}", *body.length)));
  replied_ = true;
  if (closed_) return *this;
  collect(status, headers);
  const std::vector<nghttp2_nv> block = to_block(lines_);
  if (!body.present) {
    complete_ = true;
    nghttp2_submit_response(session_.session_, id_, block.data(), block.size(), nullptr);
  } else {
    nghttp2_data_provider provider{};
    provider.source.ptr = this;
    provider.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t size,
                                std::uint32_t* flags, nghttp2_data_source* source, void*) -> ssize_t {
      return static_cast<H2Stream*>(source->ptr)->produce(into, size, *flags);
    };
    nghttp2_submit_response(session_.session_, id_, block.data(), block.size(), &provider);
  }
  session_.queue_turn();
  return *this;
}

long H2Stream::produce(std::uint8_t* into, std::size_t size, std::uint32_t& flags) {
  const std::size_t count = std::min(size, pending());
  std::memcpy(into, out_.data() + out_at_, count);
  out_at_ += count;
  if (pending() == 0) {
    out_.clear();
    out_at_ = 0;
    if (complete_) {
      flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!out_trailers_.empty()) {
        flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const std::vector<nghttp2_nv> block = to_block(out_trailers_);
        nghttp2_submit_trailer(session_.session_, id_, block.data(), block.size());
      }
    } else if (count == 0) {
      return NGHTTP2_ERR_DEFERRED;
    }
  }
  moved_.notify_all();
  return static_cast<long>(count);
}

Result<bool> H2Stream::try_write(std::string_view data, bool end, const Headers* trailers) {
  if (closed_) return complete_ ? Result<bool>(true) : std::unexpected(gone());
  if (complete_) return true;
  if (out_at_ > kMostPending) {
    out_.erase(0, out_at_);
    out_at_ = 0;
  }
  out_ += data;
  sent_ += data.size();
  if (end && trailers)
    for (const Field& field : *trailers)
      if (!is_of_connection(field.id)) out_trailers_.emplace_back(lower(field.name), field.value);
  complete_ = end;
  nghttp2_session_resume_data(session_.session_, id_);
  session_.queue_turn();
  return pending() <= kMostPending;
}

Result<bool> H2Stream::try_flush() {
  if (closed_ && !complete_) return std::unexpected(gone());
  return pending() <= kMostPending;
}

rt::Task<Status> H2Stream::drain(Duration stall) {
  while (!closed_ && pending() > kMostPending) {
    const bool notified = co_await moved_.wait(deadline_after(loop().now(), stall));
    if (!notified) co_return client_error(ErrorKind::kWriteTimeout, "the client takes no bytes");
  }
  if (closed_ && !complete_) co_return std::unexpected(gone());
  co_return Status{};
}

rt::Task<void> H2Stream::finish(Duration stall) {
  while (!closed_ && !left_ && complete_) {
    const bool notified = co_await moved_.wait(deadline_after(loop().now(), stall));
    if (!notified) cut();
  }
  if (!closed_ && !left_) cut();
}

void H2Stream::cut() noexcept {
  if (closed_ || left_) return;
  left_ = true;
  nghttp2_submit_rst_stream(session_.session_, NGHTTP2_FLAG_NONE, id_, NGHTTP2_INTERNAL_ERROR);
  session_.queue_turn();
}

}  // namespace rpx::http
