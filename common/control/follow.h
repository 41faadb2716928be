// Follows what a running proxy publishes (GET /v1/events), and comes back to it after it has gone. Used by the verbs of
// the tools that watch; one thread, blocking.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/units.h"

namespace rpx::control {

struct Followed {
  enum class What : std::uint8_t {
    kEvent,
    kLost,  ///< the connection has ended; it is tried again by the next call
    kBack,  ///< and here it is: what happened meanwhile follows, as far as the proxy remembers
  };
  What what = What::kEvent;
  std::string kind;  ///< as in rpx-control(7), and "dropped"
  std::string json;  ///< one object in one line
};

class EventFollower {
 public:
  /// `path` of the control socket, `kinds` as ?kinds= takes them (empty: the usual ones); `timeout` to connect.
  EventFollower(std::string path, std::string kinds, Duration timeout)
      : path_(std::move(path)), kinds_(std::move(kinds)), timeout_(timeout) {}
  ~EventFollower() { close(); }
  EventFollower(const EventFollower&) = delete;
  EventFollower& operator=(const EventFollower&) = delete;

  /// Connects; for those who want to be sure to miss nothing from here on. Errors: as Client::ask.
  Status open();
  /// What comes next; nothing when `patience` ends first. Only a connection that never was is an error.
  Result<std::optional<Followed>> next(Duration patience);

 private:
  Status read_head();
  void close() noexcept;
  std::optional<Followed> try_again(Instant until);
  std::optional<Followed> take_event();
  bool receive(Instant until);

  const std::string path_;
  const std::string kinds_;
  const Duration timeout_;
  std::string last_id_ = "-";  // none of any process: all that is remembered comes after it
  std::string buffer_;
  Instant heard_{};
  Instant retry_at_{};
  Duration retry_after_{};
  bool was_open_ = false;
  int fd_ = -1;
};

}  // namespace rpx::control
