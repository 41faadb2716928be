// Bounds on what a peer may send, all from [limits] of the configuration (routes may widen body_bytes).
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/units.h"

namespace rpx::http {

struct Limits {
  static constexpr std::string_view kAlways = "always";
  static constexpr std::string_view kSent = "sent";
  static constexpr std::string_view kNever = "never";

  std::uint32_t connections_per_client = 200;          ///< 0 = unlimited
  Duration header_timeout = std::chrono::seconds(10);  ///< whole request head, from its first byte (or accept)
  Duration body_timeout = std::chrono::seconds(30);    ///< between two reads of a request body
  Size min_body_rate = 500;  ///< bytes a second of a request body, averaged after 5 s; 0 = none
  Duration write_timeout = std::chrono::seconds(30);  ///< a client that takes no byte of the reply for this long
  Size min_reply_rate = 500;  ///< bytes a second of a reply that a client has to take, after 5 s of waiting; 0 = any
  Duration keepalive = std::chrono::seconds(75);  ///< idle between two requests
  Duration tls_handshake =
      std::chrono::seconds(10);                 ///< from the start of a connection, or the end of its PROXY header
  Size header_bytes = 32 * 1024;                ///< head of a request or response, and a trailer section
  std::uint32_t headers = 100;                  ///< field lines
  Size body_bytes = 10 * 1024 * 1024;           ///< request body; 0 = unlimited
  Size uri_bytes = 8 * 1024;                    ///< request target
  double half_open = 0.5;                       ///< of max_connections, 0–1: those whose first request has not come yet
  std::uint32_t handshakes_per_client = 0;      ///< TLS handshakes that a client may begin in a second; 0 = any number
  Size bandwidth_per_client = 0;                ///< bytes a second of all replies to a client; 0 = any number
  Duration overload = std::chrono::seconds(5);  ///< new clients are refused while others wait so long for a worker
  std::uint32_t h2_streams = 128;               ///< requests in progress on one HTTP/2 connection
  std::uint32_t h2_resets = 100;                ///< streams a client may reset in a second before its connection ends
  /// Whether a client that has closed its sending side still gets its reply: always, once its request has been sent to
  /// a server, or never.
  std::string answer_half_closed = std::string(kSent);
};

}  // namespace rpx::http
