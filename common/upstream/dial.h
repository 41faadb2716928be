// A connection to a server as the pools and the checks make it: the socket, and TLS over it where its URL says
// https. On the loop's thread.
#pragma once

#include <memory>
#include <string>

#include "base/ip.h"
#include "net/stream.h"
#include "tls/client_context.h"

namespace rpx::upstream {

/// How a server is spoken to beneath HTTP.
struct Security {
  std::shared_ptr<const tls::ClientContext> context;  ///< null for plain servers
  std::string name;                                   ///< the server's host
  std::shared_ptr<tls::SessionSlot> slot;             ///< for sessions to resume; may be null
  std::string preface = {};                           ///< sent before all else, TLS included: a PROXY header
  std::string alpn = {};                              ///< protocols to offer, each behind a byte of its length
};

/// Connects to `to` and, with a context, shakes hands, all by `deadline`; then it is a tls::TlsStream. Errors,
/// Side::kUpstream: those of net::dial and of tls::ClientContext::connect.
rt::Task<Result<std::unique_ptr<net::Stream>>> dial(rt::Loop& loop, Address to, Security security, Instant deadline);

/// What is offered by ALPN to a server that is spoken to as `protocol` says (see UpstreamOptions); empty: nothing.
std::string_view alpn_for(std::string_view protocol, bool tls) noexcept;
/// Whether HTTP/2 is spoken over `stream`, as dial() made it with that offer. Errors: kTlsProtocol where it should be
/// and the server did not agree.
Result<bool> speaks_h2(const net::Stream& stream, std::string_view protocol, bool tls);

}  // namespace rpx::upstream
