// InnerExchange: a request of the proxy's own, without a body and without a client who waits for its reply, so that it
// can be forwarded like any other. What the server answers is read from the Busy it is forwarded with. One thread.
#pragma once

#include <utility>

#include "base/check.h"
#include "http/exchange.h"
#include "http/text_body.h"

namespace rpx::proxy {

class InnerExchange final : public http::Exchange {
 public:
  explicit InnerExchange(rt::Loop& loop) noexcept : none_(loop, {}) {
    head_.method = http::Method::kGet;
    head_.method_name = "GET";
    head_.framing = http::Framing::kNone;
  }

  http::BodySource& body(std::uint64_t) noexcept override { return none_; }
  http::BodySource& reader() noexcept override { return none_; }
  bool body_touched() const noexcept override { return false; }
  Status send_interim(std::uint16_t, const http::Headers&) override { return {}; }
  /// Forwarding answers nobody: whoever made this reads the reply itself.
  http::BodySink& reply(std::uint16_t, std::string_view, http::Headers&, http::ReplyBody) override {
    RPX_CHECK(false);
    std::unreachable();
  }
  bool replied() const noexcept override { return false; }
  void close_after() noexcept override {}
  void cut() noexcept override {}
  net::Stream* stream() noexcept override { return nullptr; }
  std::string_view leftover() noexcept override { return {}; }
  std::uint64_t bytes_received() const noexcept override { return 0; }
  std::uint64_t bytes_sent() const noexcept override { return 0; }
  std::string_view protocol() const noexcept override { return "HTTP/1.1"; }

 private:
  http::TextBody none_;
};

}  // namespace rpx::proxy
