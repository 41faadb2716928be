#include "proxy/wrong_protocol.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "base/log.h"
#include "net/buffer.h"
#include "proxy/site.h"

namespace rpx::proxy {
namespace {

constexpr std::string_view kUseHttps = "This port speaks HTTPS, and the request came without TLS: use https://\n";
constexpr std::string_view kUseHttp = "This port speaks HTTP without TLS: use http://\n";
constexpr Duration kReadOnTime = std::chrono::seconds(2);
constexpr std::size_t kReadOnBytes = 1024 * 1024;

std::string bad_request(std::string_view text) {
  return fmt::format(
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
      text.size(), text);
}

// RFC 9113 sections 6.5 and 6.8: nothing is known of the client's streams, so that no reply can be given to one.
//
//   length (3)  type (1)  flags (1)  stream (4)
//   SETTINGS without any
//   GOAWAY: last stream 0 (4), INADEQUATE_SECURITY (4), text
std::string goaway(std::string_view text) {
  using namespace std::string_view_literals;
  std::string out("\0\0\0\4\0\0\0\0\0"sv);
  out += "\0\0"sv;
  out += static_cast<char>(8 + text.size());
  out += "\7\0\0\0\0\0\0\0\0\0\0\0\0\xc"sv;
  return out.append(text);
}
static_assert(8 + kUseHttps.size() < 256);

// Reads on for a moment, so that the answer is not lost in a reset.
rt::Task<void> say_and_close(net::Stream& stream, std::string answer) {
  const int fd = stream.fd();
  send(fd, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  shutdown(fd, SHUT_WR);
  const Instant until = stream.io().loop().now() + kReadOnTime;
  const std::span<char> dropped = net::scratch();
  for (std::size_t bytes = 0; bytes < kReadOnBytes;) {
    const ssize_t got = recv(fd, dropped.data(), dropped.size(), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) co_return;
    if (got > 0) {
      bytes += static_cast<std::size_t>(got);
      continue;
    }
    stream.io().cleared_read();
    if (stream.io().may_read()) co_return;
    const rt::Wake wake = co_await stream.io().readable(until);
    if (wake != rt::Wake::kReady) co_return;
  }
}

}  // namespace

void note_tls_on_plain_port(ClientConnection& connection) {
  Worker& worker = connection.worker;
  worker.counts().tls_on_plain.add();
  if (!worker.log_budget().take(worker.loop().now())) return;
  log_event(LogLevel::kInfo, "TLS on a port that speaks plain HTTP",
            {{"client", connection.peer.to_string()}, {"listener", connection.listener->options.name}});
}

rt::Task<void> answer_tls(net::Stream& stream) { return say_and_close(stream, bad_request(kUseHttp)); }

rt::Task<void> answer_plain_http(net::Stream& stream, bool http2) {
  return say_and_close(stream, http2 ? goaway(kUseHttps) : bad_request(kUseHttps));
}

}  // namespace rpx::proxy
