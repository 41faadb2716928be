// The part of WebSocket's handshake that HTTP/1 has and HTTP/2 does not (RFC 6455 section 1.3, RFC 8441 section 5), for
// connections that are the one towards the client and the other towards the server. Pure but for the key; any thread.
#pragma once

#include <string>
#include <string_view>

namespace rpx::proxy {

/// A new Sec-WebSocket-Key.
std::string make_websocket_key();
/// What Sec-WebSocket-Accept answers to `key`.
std::string websocket_accept(std::string_view key);
/// Whether an Upgrade field asks for it.
bool is_websocket(std::string_view upgrade) noexcept;

}  // namespace rpx::proxy
