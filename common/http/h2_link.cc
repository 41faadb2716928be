#include "http/h2_link.h"

#include <fmt/format.h>

#include <algorithm>

namespace rpx::http {
namespace {

// Frames that are gathered for one write.
constexpr std::size_t kGathered = 64 * 1024;
// Of all streams together, where they are read as fast as they come.
constexpr std::int32_t kMostOfConnection = 1024 * 1024;

}  // namespace

H2Link::H2Link(net::Stream& stream, Side peer, Duration write_timeout, std::int32_t window)
    : stream_(stream),
      peer_(peer),
      turn_(*this),
      write_timeout_(write_timeout),
      window_(window),
      to_write_(stream.io().loop()),
      writer_(stream.io().loop()) {}

H2Link::~H2Link() { nghttp2_session_del(session_); }

void H2Link::widen(std::int32_t stream, std::int32_t window) noexcept {
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, stream, window);
  // A few such streams beside each other.
  const std::int32_t wanted = std::min(4 * window, kMostOfConnection);
  if (wanted <= window_) return;
  window_ = wanted;
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, window_);
}

void H2Link::fail(Error error) noexcept {
  if (!failure_) failure_ = std::move(error);
  stream_.io().interrupt_read();
}

bool H2Link::wants_nothing() const noexcept {
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0 && written();
}

Status H2Link::take(std::string_view bytes) {
  const ssize_t used =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (used >= 0) return {};
  const ErrorKind kind = peer_ == Side::kClient ? ErrorKind::kBadRequest : ErrorKind::kBadResponse;
  return std::unexpected(Error{kind, peer_, fmt::format("HTTP/2: {}", nghttp2_strerror(static_cast<int>(used)))});
}

// Frames that are due, in a buffer that all connections of the thread share. False when there are none.
bool H2Link::gather(std::string& frames) {
  frames.clear();
  while (frames.size() < kGathered) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t count = nghttp2_session_mem_send(session_, &bytes);
    if (count < 0) fail({ErrorKind::kInternal, Side::kSelf, nghttp2_strerror(static_cast<int>(count))});
    if (count <= 0) break;
    frames.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count));
  }
  return !frames.empty();
}

std::size_t H2Link::write(std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size() && !blocked_) {
    const iovec piece{const_cast<char*>(bytes.data()) + done, bytes.size() - done};
    const net::IoResult wrote = stream_.try_write({&piece, 1});
    if (wrote.state == net::IoState::kDone) {
      done += wrote.bytes;
      continue;
    }
    blocked_ = true;
    if (wrote.state == net::IoState::kWouldBlock) {
      to_write_.notify_all();
    } else {
      done = bytes.size();
      fail(net::io_error(wrote.error, peer_, "send"));
    }
  }
  return done;
}

// One write for all that was said since the last.
void H2Link::flush() {
  thread_local std::string gathered;
  while (!blocked_) {
    if (!written()) {
      out_at_ += write(std::string_view(out_).substr(out_at_));
      if (!written()) return;
      std::string().swap(out_);
      out_at_ = 0;
      continue;
    }
    if (!gather(gathered)) return;
    const std::size_t done = write(gathered);
    // What the socket does not take is held.
    if (done < gathered.size()) out_.assign(gathered, done);
  }
}

rt::Task<Status> H2Link::keep_writing() {
  rt::Pollable& io = stream_.io();
  for (;;) {
    if (!blocked_ || failure_) {
      co_await to_write_.wait();
      continue;
    }
    const rt::Wake wake = co_await io.writable(deadline_after(io.loop().now(), write_timeout_));
    if (wake == rt::Wake::kTimeout) {
      fail({ErrorKind::kWriteTimeout, peer_,
            peer_ == Side::kClient ? "the client takes no bytes" : "the server takes no bytes"});
      continue;
    }
    blocked_ = false;
    take_turn();
  }
}

}  // namespace rpx::http
