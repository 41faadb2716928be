// Clients that speak TLS where there is none, or none where there is: told so in a way they understand, and told to the
// log. On the loop's thread.
#pragma once

#include "net/stream.h"
#include "proxy/connection.h"

namespace rpx::proxy {

/// Counts and logs a client that has begun a TLS handshake on a listener without TLS.
void note_tls_on_plain_port(ClientConnection& connection);
/// Whether `bytes`, a connection's first, are those of a TLS record with a handshake (RFC 8446 section 5.1).
constexpr bool begins_like_tls(std::string_view bytes) noexcept { return bytes.starts_with("\x16\x03"); }

/// To one that speaks TLS to a listener that takes HTTP/2 alone. The connection is to be closed then.
rt::Task<void> answer_tls(net::Stream& stream);
/// To one that speaks HTTP to a TLS listener: HTTP/2 where `http2`, which wants its own kind of answer. Written past
/// TLS, whose handshake has failed; the connection is to be closed then.
rt::Task<void> answer_plain_http(net::Stream& stream, bool http2);

}  // namespace rpx::proxy
