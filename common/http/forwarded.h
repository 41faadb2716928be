// Who the client is and how it reached us: X-Forwarded-*, Forwarded (RFC 7239). Pure.
#pragma once

#include <vector>

#include "base/arena.h"
#include "base/ip.h"
#include "http/message.h"

namespace rpx::http {

/// What is believed about the client of a request.
struct ClientFacts {
  IpAddress client;              ///< the believed client address
  std::string_view scheme;       ///< "http" or "https"
  std::string_view host;         ///< authority the client asked for
  bool peer_is_trusted = false;  ///< the peer's forwarding fields were believed
};

/// Works out the client behind `peer`. Fields are believed only when `peer` is in `trusted`, read from the
/// right until the first address that is not trusted; a malformed list ends the walk at the last good address.
/// Forwarded is used when X-Forwarded-For is absent.
ClientFacts client_facts(const RequestHead& head, const IpAddress& peer, bool tls,
                         const std::vector<IpPrefix>& trusted);

/// Writes Forwarded, X-Forwarded-For, -Proto and -Host for the next hop into `out` (from which incoming ones have
/// been removed). A believed X-Forwarded-For and Forwarded are extended with `peer`, others replaced.
/// A peer on a Unix socket is "unix" in X-Forwarded-For and unknown in Forwarded: pass `peer_is_unix`.
void add_forwarding_fields(const RequestHead& head, const ClientFacts& facts, const IpAddress& peer, bool peer_is_unix,
                           Arena& arena, Headers& out);

}  // namespace rpx::http
