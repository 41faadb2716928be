// A tunnel with an end that is a stream of HTTP/2 (RFC 8441), whose two ways are a pair of bodies with flow control of
// their own. On the worker's thread.
#pragma once

#include "http/body.h"
#include "http/h1_body.h"
#include "proxy/tunnel.h"

namespace rpx::proxy {

/// One end; all is borrowed until the tunnel's end.
struct TunnelEnd {
  Side side;
  http::BodySource& source;
  http::BodySink& sink;
  net::Stream* stream = nullptr;  ///< a connection, whose sending side is shut behind the last byte
};

/// A connection as an end. `ahead` are bytes that came behind the head of its HTTP/1 message; they are copied.
class ConnectionEnd {
 public:
  ConnectionEnd(Side side, net::Stream& stream, std::string_view ahead);
  TunnelEnd end() noexcept { return {side_, reader_, writer_, &stream_}; }

 private:
  Side side_;
  net::Stream& stream_;
  http::Limits limits_;
  net::InputBuffer input_, ahead_;
  http::H1BodyReader reader_;
  http::H1BodyWriter writer_;
};

/// As tunnel().
rt::Task<Status> tunnel_bodies(TunnelEnd client, TunnelEnd server, Duration idle, TunnelBytes& moved);

}  // namespace rpx::proxy
