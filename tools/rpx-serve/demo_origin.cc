#include "demo_origin.h"

#include <Poco/Exception.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServerConnection.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocketImpl.h>
#include <fmt/format.h>

#include "base/result.h"
#include "control/acceptor.h"

namespace rpx::serve {

namespace {

// Says who it is, and what the proxy told it about the client.
class Handler : public Poco::Net::HTTPRequestHandler {
 public:
  explicit Handler(const std::string& name) : name_(name) {}
  void handleRequest(Poco::Net::HTTPServerRequest& request, Poco::Net::HTTPServerResponse& response) override {
    const std::string body = fmt::format("hello from origin {}, asked for {} by {}\n", name_, request.getURI(),
                                         request.get("X-Forwarded-For", "nobody we know"));
    response.setContentType("text/plain");
    response.set("Server", "demo-origin/1.0");
    response.set("X-Powered-By", "demo");
    response.sendBuffer(body.data(), body.size());
  }

 private:
  const std::string& name_;
};

class HandlerFactory : public Poco::Net::HTTPRequestHandlerFactory {
 public:
  explicit HandlerFactory(std::string name) : name_(std::move(name)) {}
  Poco::Net::HTTPRequestHandler* createRequestHandler(const Poco::Net::HTTPServerRequest&) override {
    return new Handler(name_);
  }

 private:
  std::string name_;
};

}  // namespace

struct DemoOrigin::Parts {
  explicit Parts(const std::string& name)
      : factory(new HandlerFactory(name)),
        socket(Poco::Net::SocketAddress("127.0.0.1", 0)),
        url(fmt::format("http://{}", socket.address().toString())),
        acceptor(socket.impl()->sockfd(), [this](int fd) {
          Poco::Net::HTTPServerConnection(Poco::Net::StreamSocket(new Poco::Net::StreamSocketImpl(fd)), params, factory)
              .run();
        }) {}

  Poco::Net::HTTPServerParams::Ptr params = new Poco::Net::HTTPServerParams;
  Poco::Net::HTTPRequestHandlerFactory::Ptr factory;
  Poco::Net::ServerSocket socket;
  std::string url;
  control::Acceptor acceptor;
};

DemoOrigin::DemoOrigin(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
DemoOrigin::~DemoOrigin() = default;

Result<std::unique_ptr<DemoOrigin>> DemoOrigin::start(const std::string& name) {
  try {
    auto parts = std::make_unique<Parts>(name);
    RPX_TRY_VOID(parts->acceptor.start());
    return std::unique_ptr<DemoOrigin>(new DemoOrigin(std::move(parts)));
  } catch (const Poco::Exception& error) {
    return self_error(ErrorKind::kIo, "the demo's origin cannot listen: " + error.displayText());
  }
}

const std::string& DemoOrigin::url() const noexcept { return parts_->url; }

void DemoOrigin::stop() {
  parts_->acceptor.stop();
  parts_->socket.close();
}

}  // namespace rpx::serve
