// Trail: what happened to one exchange, for its log line, the counters and whoever asks meanwhile. Filled in
// along the walk; one per exchange in progress. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/units.h"
#include "http/forwarded.h"
#include "policy/rate_limit.h"

namespace rpx::upstream {
class Server;
}

namespace rpx::proxy {

struct Route;
struct Upstream;

enum class Phase : std::uint8_t { kIdle, kReading, kWaiting, kSending, kTunnel };

struct Trail {
  Instant begun{};           ///< the head was complete
  http::ClientFacts client;  ///< what is believed of the client
  std::string_view client_text;
  std::string_view request_id;
  const Route* route = nullptr;
  std::string_view upstream;                 ///< the name of the one it was sent to
  const Upstream* from = nullptr;            ///< that one, of the exchange's site
  std::shared_ptr<upstream::Server> server;  ///< the last one asked; a reload may have taken it out since
  std::string_view refused;                  ///< the word for what kept the request from its route: "blocked"
  std::string_view user;                     ///< who the client has proved to be
  std::string_view websocket_key;            ///< that we made, of an upgrade that the client asked for in HTTP/2
  bool hide_authorization = false;           ///< servers do not get the Authorization field
  const policy::RateLimit* limit = nullptr;  ///< that counted it, and leaves least; of the exchange's site
  policy::RateLimit::Verdict limit_left;
  Size fault_bandwidth = 0;            ///< bytes a second that a fault leaves the reply; 0 = any number
  std::optional<Size> truncate_after;  ///< bytes of its body after which a fault cuts it
  std::uint16_t status = 0;            ///< told to the client; 0 when nothing was
  std::uint16_t tries = 0;             ///< servers asked
  std::optional<Error> failure;        ///< why it did not go as it should
  Duration queued{};                   ///< waited for a place at a server, or for one to come back
  Duration connect{-1};
  Duration first_byte{-1};
  Instant try_begun{};  ///< a server was chosen, the last one
  Instant sent{};       ///< the request was handed to it
  Phase phase = Phase::kIdle;
};

}  // namespace rpx::proxy
