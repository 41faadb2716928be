// H2Session: a connection on which a client speaks HTTP/2 (RFC 9113), by nghttp2. Reads frames, makes a stream of each
// request, writes what the streams have to say, and guards against clients that cost more than they ask for. Run by
// proxy/ as a task of its connection. One thread.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "http/h2_link.h"
#include "http/h2_stream.h"
#include "http/limits.h"

namespace rpx::http {

/// Who answers the requests of a session.
class H2Handler {
 public:
  /// A request, or a head that was refused (fault()). The work may begin at once; its end is to be told by ended().
  virtual std::unique_ptr<H2Work> begin(H2Stream& stream) = 0;
  /// The last stream has ended (true), or the first one begins.
  virtual void set_idle(bool idle) noexcept = 0;
  /// No new requests are wanted: the client is told so, and the session ends with the last stream.
  virtual bool draining() const noexcept = 0;

 protected:
  ~H2Handler() = default;
};

class H2Session final : private H2Link {
 public:
  /// `limits` are copied; the others outlive the session.
  H2Session(net::Stream& stream, const Limits& limits, H2Handler& handler);
  ~H2Session();

  /// Serves until the client, its errors or the handler end the session. Gives why when that was no orderly end; the
  /// client has been told by then as far as it listens. Streams that are left are abandoned.
  rt::Task<Status> run();
  /// To be queued when the work of a stream has ended.
  rt::Soon& ended() noexcept { return turn_; }
  std::uint64_t requests() const noexcept { return requests_; }

 private:
  friend class H2Stream;
  struct Callbacks;
  /// Events of a second.
  struct Flow {
    Instant second{};
    std::uint32_t count = 0;
    bool exceeds(Instant now, std::uint32_t most) noexcept {
      if (now - second >= std::chrono::seconds(1)) {
        second = now;
        count = 0;
      }
      return ++count > most;
    }
  };

  void open();
  void take_turn() override;
  void reap();
  void start_ready();
  bool over() noexcept;
  void go_away() noexcept;
  /// The client does what only an attack does.
  void calm(const char* why) noexcept;
  Instant deadline() const noexcept;
  H2Stream* find(std::int32_t id) noexcept;
  int on_frame(const nghttp2_frame& frame);

  const Limits limits_;
  H2Handler& handler_;
  std::unordered_map<std::int32_t, std::unique_ptr<H2Stream>> streams_;
  std::vector<std::int32_t> ready_;  // whose heads came within this read
  std::uint64_t requests_ = 0;
  Instant idle_since_{};
  Instant head_begun_ = Instant::max();
  Flow resets_;
  Flow chatter_;
  bool going_ = false;
};

}  // namespace rpx::http
