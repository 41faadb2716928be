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

#include "http/h2_stream.h"
#include "http/limits.h"
#include "rt/child.h"

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

class H2Session {
 public:
  /// `limits` are copied; the others outlive the session.
  H2Session(net::Stream& stream, const Limits& limits, H2Handler& handler);
  ~H2Session();
  H2Session(const H2Session&) = delete;
  H2Session& operator=(const H2Session&) = delete;

  /// Serves until the client, its errors or the handler end the session. Gives why when that was no orderly end; the
  /// client has been told by then as far as it listens. Streams that are left are abandoned.
  rt::Task<Status> run();
  /// To be queued when the work of a stream has ended.
  rt::Soon& ended() noexcept { return turn_; }
  std::uint64_t requests() const noexcept { return requests_; }

 private:
  friend class H2Stream;
  /// What is due at the end of a round of the loop: one write for all streams.
  struct Turn final : rt::Soon {
    explicit Turn(H2Session& owner) noexcept : session(owner) {}
    void run() override { session.take_turn(); }
    H2Session& session;
  };
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
  void queue_turn() noexcept { stream_.io().loop().soon(turn_); }
  void take_turn();
  void flush();
  void reap();
  void start_ready();
  bool over() noexcept;
  void go_away() noexcept;
  /// The client does what only an attack does.
  void calm(const char* why) noexcept;
  void fail(Error error) noexcept;
  Instant deadline() const noexcept;
  rt::Task<Status> keep_writing();
  Status take(std::string_view bytes);
  H2Stream* find(std::int32_t id) noexcept;
  int on_frame(const nghttp2_frame& frame);

  net::Stream& stream_;
  const Limits limits_;
  H2Handler& handler_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<std::int32_t, std::unique_ptr<H2Stream>> streams_;
  std::vector<std::int32_t> ready_;  // whose heads came within this read
  std::string out_;                  // frames the socket did not take
  std::size_t out_at_ = 0;
  std::uint64_t requests_ = 0;
  Instant idle_since_{};
  Instant head_begun_ = Instant::max();
  Flow resets_;
  Flow chatter_;
  std::optional<Error> failure_;
  bool blocked_ = false;
  bool going_ = false;
  Turn turn_;
  rt::Event to_write_;
  rt::Child<Status> writer_;
};

}  // namespace rpx::http
