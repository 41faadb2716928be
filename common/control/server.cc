#include "control/server.h"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServerConnection.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequestImpl.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/StreamSocketImpl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <expected>
#include <mutex>
#include <optional>

#include "base/log.h"
#include "base/result.h"
#include "control/acceptor.h"
#include "control/event_streams.h"
#include "control/gate.h"
#include "control/routes.h"

namespace rpx::control {

namespace {

namespace net = Poco::Net;

constexpr auto kDrain = std::chrono::seconds(2);

// Counts the answers being written, so that stopping does not cut the answer to the very call that asked for it.
class InFlight {
 public:
  void enter() {
    const std::lock_guard lock(mutex_);
    ++count_;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    if (--count_ == 0) none_.notify_all();
  }
  void wait_for_none() {
    std::unique_lock lock(mutex_);
    none_.wait_for(lock, kDrain, [this] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable none_;
  int count_ = 0;
};

class InFlightGuard {
 public:
  explicit InFlightGuard(InFlight& in_flight) : in_flight_(in_flight) { in_flight_.enter(); }
  ~InFlightGuard() { in_flight_.leave(); }
  InFlightGuard(const InFlightGuard&) = delete;
  InFlightGuard& operator=(const InFlightGuard&) = delete;

 private:
  InFlight& in_flight_;
};

std::optional<Asker> asker_of(net::HTTPServerRequest& request) {
  auto& impl = dynamic_cast<net::HTTPServerRequestImpl&>(request);
  ucred peer{};
  socklen_t length = sizeof(peer);
  if (::getsockopt(impl.socket().impl()->sockfd(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return std::nullopt;
  return Asker{.uid = peer.uid, .pid = peer.pid};
}

// nullopt when it is longer than allowed.
std::optional<std::string> read_body(net::HTTPServerRequest& request, std::size_t most) {
  if (request.hasContentLength() && static_cast<Poco::UInt64>(request.getContentLength64()) > most) return {};
  std::string body;
  // Without either there is no body (RFC 9112 section 6.3); Poco would wait for the connection to end.
  if (!request.hasContentLength() && !request.getChunkedTransferEncoding()) return body;
  char buffer[16384];
  auto& stream = request.stream();
  while (stream.good() && body.size() <= most) {
    stream.read(buffer, sizeof(buffer));
    body.append(buffer, static_cast<std::size_t>(stream.gcount()));
  }
  if (body.size() > most) return std::nullopt;
  return body;
}

// Who asks, or why they may not.
std::expected<Asker, Reply> admit(Host& host, net::HTTPServerRequest& request, bool tcp) {
  if (tcp) {
    const std::string authorization = request.get("Authorization", "");
    const std::string name = request.get("Host", "");
    const auto admitted = admit_over_tcp(
        {.method = request.getMethod(), .target = request.getURI(), .host = name, .authorization = authorization},
        host.options()->admin);
    if (!admitted) return std::unexpected(admitted.error());
    return Asker{.address = request.clientAddress().host().toString(), .has_token = *admitted};
  }
  const auto asker = asker_of(request);
  if (!asker || (asker->uid != ::geteuid() && asker->uid != 0))
    return std::unexpected(problem_reply(403, "only the user this proxy runs as, and root, may ask here"));
  return *asker;
}

Reply answer(Host& host, net::HTTPServerRequest& request, bool tcp) {
  const auto asker = admit(host, request, tcp);
  if (!asker) return asker.error();
  const std::size_t most = request.getContentType() == "application/octet-stream" ? kMaxBinary : kMaxBody;
  auto body = read_body(request, most);
  if (!body) return problem_reply(413, fmt::format("a body has at most {} bytes here", most));
  if (tcp && request.getURI() == "/") return dashboard(request.getMethod());
  return dispatch(host, {.method = request.getMethod(),
                         .target = request.getURI(),
                         .body = *std::move(body),
                         .asker = *asker,
                         .last_event_id = request.get("Last-Event-ID", "")});
}

void send(net::HTTPServerRequest& request, net::HTTPServerResponse& response, const Reply& reply) {
  const bool is_head = request.getMethod() == "HEAD";
  if (reply.status == 422) {
    response.setStatusAndReason(net::HTTPResponse::HTTP_UNPROCESSABLE_ENTITY, "Unprocessable Content");
  } else {
    response.setStatusAndReason(static_cast<net::HTTPResponse::HTTPStatus>(reply.status));
  }
  response.setContentType(reply.content_type);
  response.setContentLength64(static_cast<Poco::Int64>(reply.body.size()));
  response.set("Cache-Control", "no-store");
  if (!reply.allow.empty()) response.set("Allow", reply.allow);
  response.set("X-Content-Type-Options", "nosniff");
  if (reply.status == 401) response.set("WWW-Authenticate", "Bearer realm=\"rpx\"");
  // What is left of a body that was refused would be read as the next request.
  if (reply.status == 413 || reply.status == 403 || reply.status == 401) response.setKeepAlive(false);
  std::ostream& stream = response.send();
  if (!is_head) stream << reply.body;
  stream.flush();
}

// A second descriptor of the connection goes to the streams; Poco is told that its own ends here.
Status hand_over(net::HTTPServerRequest& request, net::HTTPServerResponse& response, EventStreams& streams,
                 const EventsWanted& wanted) {
  const int own = dynamic_cast<net::HTTPServerRequestImpl&>(request).socket().impl()->sockfd();
  const int fd = ::fcntl(own, F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return self_error(ErrorKind::kInternal, errno_text("fcntl", errno));
  RPX_TRY_VOID(streams.adopt(fd, wanted));
  response.setKeepAlive(false);
  return {};
}

class Handler : public net::HTTPRequestHandler {
 public:
  Handler(Host& host, InFlight& in_flight, EventStreams& streams, bool tcp)
      : host_(host), in_flight_(in_flight), streams_(streams), tcp_(tcp) {}

  void handleRequest(net::HTTPServerRequest& request, net::HTTPServerResponse& response) override {
    const InFlightGuard guard(in_flight_);
    Reply reply;
    try {
      reply = answer(host_, request, tcp_);
    } catch (const std::exception& error) {
      log_event(LogLevel::kError, "control call failed", {{"target", request.getURI()}, {"why", error.what()}});
      reply = problem_reply(500, "the call failed; the log says why");
    }
    try {
      if (reply.events && request.getMethod() == "GET") {
        const Status adopted = hand_over(request, response, streams_, *reply.events);
        if (adopted) return;
        reply = problem_reply(503, adopted.error().detail);
      }
      send(request, response, reply);
    } catch (const Poco::Exception&) {
      // Whoever asked has gone; the answer has no other use.
    }
  }

 private:
  Host& host_;
  InFlight& in_flight_;
  EventStreams& streams_;
  const bool tcp_;
};

class HandlerFactory : public net::HTTPRequestHandlerFactory {
 public:
  HandlerFactory(Host& host, InFlight& in_flight, EventStreams& streams, bool tcp)
      : host_(host), in_flight_(in_flight), streams_(streams), tcp_(tcp) {}
  net::HTTPRequestHandler* createRequestHandler(const net::HTTPServerRequest&) override {
    return new Handler(host_, in_flight_, streams_, tcp_);
  }

 private:
  Host& host_;
  InFlight& in_flight_;
  EventStreams& streams_;
  const bool tcp_;
};

net::HTTPServerParams::Ptr make_params() {
  net::HTTPServerParams::Ptr params = new net::HTTPServerParams;
  params->setTimeout(Poco::Timespan(10, 0));
  params->setKeepAlive(true);
  params->setKeepAliveTimeout(Poco::Timespan(2, 0));
  return params;
}

}  // namespace

struct Server::Parts {
  Parts(SocketFile socket, Host& host) : Parts(host, socket.fd(), false) {
    name = socket.path();
    file.emplace(std::move(socket));
  }
  Parts(rpx::net::UniqueFd listening, std::string address, Host& host) : Parts(host, listening.get(), true) {
    name = std::move(address);
    tcp = std::move(listening);
  }

 private:
  Parts(Host& host, int fd, bool over_tcp)
      : factory(new HandlerFactory(host, in_flight, streams, over_tcp)), acceptor(fd, [this](int connected) {
          net::HTTPServerConnection(net::StreamSocket(new net::StreamSocketImpl(connected)), params, factory).run();
        }) {}

 public:
  std::string name;
  std::optional<SocketFile> file;  ///< one of these is listened on
  rpx::net::UniqueFd tcp;
  InFlight in_flight;
  EventStreams streams;
  net::HTTPServerParams::Ptr params = make_params();
  net::HTTPRequestHandlerFactory::Ptr factory;
  Acceptor acceptor;
};

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<Server>> Server::start(SocketFile socket, Host& host) {
  try {
    auto parts = std::make_unique<Parts>(std::move(socket), host);
    RPX_TRY_VOID(parts->acceptor.start());
    return std::unique_ptr<Server>(new Server(std::move(parts)));
  } catch (const Poco::Exception& error) {
    return self_error(ErrorKind::kInternal, "the control socket cannot be served: " + error.displayText());
  }
}

Result<std::unique_ptr<Server>> Server::start_tcp(rpx::net::UniqueFd listening, std::string address, Host& host) {
  try {
    auto parts = std::make_unique<Parts>(std::move(listening), std::move(address), host);
    RPX_TRY_VOID(parts->acceptor.start());
    return std::unique_ptr<Server>(new Server(std::move(parts)));
  } catch (const Poco::Exception& error) {
    return self_error(ErrorKind::kInternal, "the address of [admin] cannot be served: " + error.displayText());
  }
}

Server::~Server() {
  parts_->in_flight.wait_for_none();
  parts_->acceptor.stop();
  parts_->streams.stop();
}

void Server::settle() {
  if (parts_->file) parts_->file->settle();
}

const std::string& Server::path() const noexcept { return parts_->name; }

}  // namespace rpx::control
