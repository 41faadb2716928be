#include "control/client.h"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/StreamSocketImpl.h>
#include <Poco/URI.h>
#include <fmt/format.h>

#include <chrono>
#include <iterator>

#include "base/result.h"
#include "control/connect.h"

namespace rpx::control {

namespace {

namespace net = Poco::Net;

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

std::string encoded_segment(const std::string& text) {
  std::string out;
  Poco::URI::encode(text, "/:?#[]@!$&'()*+,;=%", out);
  return out;
}

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
