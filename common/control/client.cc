#include "control/client.h"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/StreamSocketImpl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <iterator>

#include "base/result.h"
#include "base/text.h"

namespace rpx::control {

namespace {

namespace net = Poco::Net;

std::unexpected<Error> unreachable(const std::string& path, int code) {
  const std::string hint = code == EACCES || code == EPERM ? "ask as the user it runs as" : "is rpx-serve running?";
  std::string why = errno_text("", code).substr(2);
  if (!why.empty()) why.front() = to_lower(why.front());
  return self_error(ErrorKind::kConnectRefused, fmt::format("cannot reach the proxy at {}: {}; {}", path, why, hint));
}

// Connected here rather than by Poco, whose exceptions do not tell a refused socket from a missing one.
Result<int> connect_to(const std::string& path, Duration timeout) {
  sockaddr_un address{};
  if (path.size() >= sizeof(address.sun_path)) return unreachable(path, ENAMETOOLONG);
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return unreachable(path, errno);
  // A Unix connect waits only for room in the backlog, and SO_SNDTIMEO bounds that.
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(timeout).count();
  const timeval limit{.tv_sec = micros / 1'000'000, .tv_usec = micros % 1'000'000};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
  const int code = errno;
  ::close(fd);
  if (code != EAGAIN) return unreachable(path, code);
  return self_error(ErrorKind::kConnectTimeout, fmt::format("the proxy at {} does not accept; time ran out", path));
}

Answer exchange(net::HTTPClientSession& session, net::HTTPRequest& request, std::string_view body) {
  std::ostream& out = session.sendRequest(request);
  out.write(body.data(), static_cast<std::streamsize>(body.size()));
  net::HTTPResponse response;
  std::istream& in = session.receiveResponse(response);
  Answer answer{.status = static_cast<int>(response.getStatus()), .content_type = response.getContentType()};
  answer.body.assign(std::istreambuf_iterator<char>(in), {});
  return answer;
}

}  // namespace

Result<Answer> Client::ask(std::string_view method, std::string_view target, std::string_view body,
                           std::string_view content_type) const {
  RPX_TRY(const int fd, connect_to(path_, timeout_));
  try {
    net::StreamSocket socket(new net::StreamSocketImpl(fd));
    // The session's own timeout counts only for connections it makes itself.
    const Poco::Timespan limit(std::chrono::duration_cast<std::chrono::microseconds>(timeout_).count());
    socket.setReceiveTimeout(limit);
    socket.setSendTimeout(limit);
    net::HTTPClientSession session(socket);
    net::HTTPRequest request{std::string(method), std::string(target), net::HTTPMessage::HTTP_1_1};
    request.setHost("rpx");
    request.setKeepAlive(false);
    if (!body.empty() || method == "POST") {
      request.setContentLength64(static_cast<Poco::Int64>(body.size()));
      if (!body.empty()) request.setContentType(std::string(content_type));
    }
    return exchange(session, request, body);
  } catch (const Poco::TimeoutException&) {
    return self_error(ErrorKind::kResponseTimeout, fmt::format("the proxy at {} did not answer in time", path_));
  } catch (const Poco::Exception& error) {
    return self_error(ErrorKind::kBadResponse,
                      fmt::format("the proxy at {} broke off its answer: {}", path_, error.displayText()));
  }
}

}  // namespace rpx::control
