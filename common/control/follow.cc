#include "control/follow.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "base/result.h"
#include "base/text.h"
#include "control/connect.h"

namespace rpx::control {

namespace {

constexpr Duration kFirstRetry = std::chrono::milliseconds(100);
constexpr Duration kLastRetry = std::chrono::seconds(2);
// The proxy says something every 15 s; who is silent for longer has gone without a word.
constexpr Duration kSilence = std::chrono::seconds(40);
constexpr std::size_t kMostHead = 16 * 1024;

Instant now() { return std::chrono::steady_clock::now(); }

int millis_until(Instant until) {
  if (until == Instant::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

}  // namespace

void EventFollower::close() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  buffer_.clear();
}

Status EventFollower::open() {
  if (fd_ >= 0) return {};
  RPX_TRY(fd_, connect_to(path_, timeout_));
  // Only who was there before has missed something.
  const std::string request = fmt::format("GET /v1/events?kinds={} HTTP/1.1\r\nHost: rpx\r\n{}\r\n", kinds_,
                                          was_open_ ? fmt::format("Last-Event-ID: {}\r\n", last_id_) : std::string());
  if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
    close();
    return self_error(ErrorKind::kConnectRefused, fmt::format("the proxy at {} takes no request", path_));
  }
  if (const Status read = read_head(); !read) {
    close();
    return read;
  }
  was_open_ = true;
  heard_ = now();
  return {};
}

Status EventFollower::read_head() {
  const Instant until = deadline_after(now(), timeout_);
  while (buffer_.find("\r\n\r\n") == std::string::npos) {
    if (buffer_.size() > kMostHead || now() >= until || !receive(until))
      return self_error(ErrorKind::kResponseTimeout, fmt::format("the proxy at {} did not answer in time", path_));
  }
  const std::string line = buffer_.substr(0, buffer_.find('\r'));
  if (!line.starts_with("HTTP/1.1 200 "))
    return self_error(ErrorKind::kBadResponse,
                      fmt::format("the proxy at {} tells no events: {}; is it of another version?", path_, line));
  buffer_.erase(0, buffer_.find("\r\n\r\n") + 4);
  return {};
}

// False when the connection has ended. Nothing may have come.
bool EventFollower::receive(Instant until) {
  pollfd watched{.fd = fd_, .events = POLLIN, .revents = 0};
  if (::poll(&watched, 1, millis_until(until)) <= 0) return true;
  char bytes[16 * 1024];
  const ssize_t got = ::recv(fd_, bytes, sizeof(bytes), 0);
  if (got <= 0) return false;
  buffer_.append(bytes, static_cast<std::size_t>(got));
  heard_ = now();
  return true;
}

// WHATWG HTML section 9.2.6, as far as this proxy writes it: fields a line, an empty line ends an event.
std::optional<Followed> EventFollower::take_event() {
  for (std::size_t end = buffer_.find("\n\n"); end != std::string::npos; end = buffer_.find("\n\n")) {
    Followed out;
    const std::string text = buffer_.substr(0, end);
    for (const std::string_view line : split(text, '\n')) {
      if (line.starts_with("event: ")) out.kind = line.substr(7);
      if (line.starts_with("id: ")) last_id_ = line.substr(4);
      if (line.starts_with("data: ")) out.json = line.substr(6);
    }
    buffer_.erase(0, end + 2);
    if (!out.json.empty()) return out;
  }
  return std::nullopt;
}

std::optional<Followed> EventFollower::try_again(Instant until) {
  ::poll(nullptr, 0, millis_until(std::min(until, retry_at_)));
  if (now() < retry_at_) return std::nullopt;
  if (open()) {
    retry_after_ = {};
    return Followed{.what = Followed::What::kBack, .kind = {}, .json = {}};
  }
  retry_after_ = retry_after_ == Duration::zero() ? kFirstRetry : std::min(retry_after_ * 2, kLastRetry);
  retry_at_ = now() + retry_after_;
  return std::nullopt;
}

Result<std::optional<Followed>> EventFollower::next(Duration patience) {
  if (!was_open_) RPX_TRY_VOID(open());
  const Instant until = deadline_after(now(), patience);
  for (;;) {
    if (fd_ >= 0) {
      if (auto event = take_event()) return event;
      if (!receive(std::min(until, heard_ + kSilence)) || now() >= heard_ + kSilence) {
        close();
        return Followed{.what = Followed::What::kLost, .kind = {}, .json = {}};
      }
      if (auto event = take_event()) return event;
    } else if (auto back = try_again(until)) {
      return back;
    }
    if (now() >= until) return std::nullopt;
  }
}

}  // namespace rpx::control
