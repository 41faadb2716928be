#include "http/h2_link.h"

#include <fmt/format.h>

namespace rpx::http {
namespace {

// Frames that are gathered for one write.
constexpr std::size_t kGathered = 64 * 1024;

}  // namespace

H2Link::H2Link(net::Stream& stream, Side peer, Duration write_timeout)
    : stream_(stream),
      peer_(peer),
      turn_(*this),
      write_timeout_(write_timeout),
      to_write_(stream.io().loop()),
      writer_(stream.io().loop()) {}

H2Link::~H2Link() { nghttp2_session_del(session_); }

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

// One write for all that was said since the last.
void H2Link::flush() {
  while (!blocked_) {
    if (out_at_ == out_.size()) {
      out_.clear();
      out_at_ = 0;
      while (out_.size() < kGathered) {
        const std::uint8_t* bytes = nullptr;
        const ssize_t count = nghttp2_session_mem_send(session_, &bytes);
        if (count < 0) return fail({ErrorKind::kInternal, Side::kSelf, nghttp2_strerror(static_cast<int>(count))});
        if (count == 0) break;
        out_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count));
      }
      if (out_.empty()) return;
    }
    const iovec piece{out_.data() + out_at_, out_.size() - out_at_};
    const net::IoResult wrote = stream_.try_write({&piece, 1});
    if (wrote.state == net::IoState::kDone) {
      out_at_ += wrote.bytes;
    } else if (wrote.state == net::IoState::kWouldBlock) {
      blocked_ = true;
      to_write_.notify_all();
    } else {
      out_at_ = out_.size();
      blocked_ = true;
      fail(net::io_error(wrote.error, peer_, "send"));
    }
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
