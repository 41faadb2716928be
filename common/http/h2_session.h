// H2Session: a connection on which a client speaks HTTP/2 (RFC 9113), by nghttp2. Reads frames, makes a stream of each
// request, writes what the streams have to say, and guards against clients that cost more than they ask for. Run by
// proxy/ as a task of its connection. One thread.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/h2_head.h"
#include "http/h2_link.h"
#include "http/h2_stream.h"
#include "http/h2_watch.h"
#include "http/limits.h"
#include "rt/timer.h"

namespace rpx::http {

/// Who answers the requests of a session.
class H2Handler {
 public:
  /// A stream that was kept, or a new one.
  virtual std::unique_ptr<H2Stream> make() = 0;
  /// A stream that has ended, to be used again.
  virtual void keep(std::unique_ptr<H2Stream> stream) noexcept = 0;
  /// A request, or a head that was refused (fault()). The work may begin at once; its end is to be told by
  /// H2Stream::work_ended().
  virtual std::unique_ptr<H2Work> begin(H2Stream& stream) = 0;
  /// The last stream has ended (true), or the first one begins.
  virtual void set_idle(bool idle) noexcept = 0;
  /// No new requests are wanted: the client is told so, twice (RFC 9113 section 6.8), so that what it sent meanwhile is
  /// served, and the session ends with the last stream.
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
  std::uint64_t requests() const noexcept { return requests_; }
  /// What ended the session, where that was an attack.
  std::optional<H2Flood> flood() const noexcept { return flood_; }

 private:
  friend class H2Stream;
  struct Callbacks;
  enum class Goodbye : std::uint8_t { kNotYet, kAnnounced, kSaid };
  /// A reply that was whole before its request: the client has this long to end the request, before it is reset.
  struct Overtaken {
    std::int32_t stream;
    Instant until;
  };
  struct Patience final : rt::Timer {
    explicit Patience(H2Session& owner) noexcept : session(owner) {}
    void fire() override { session.reset_overtaken(); }
    H2Session& session;
  };

  void open();
  Status receive(std::string_view bytes);
  void object(const H2Watch::Seen& seen);
  int sent_reset(std::uint32_t code) noexcept;
  int sent_end(std::uint32_t code) noexcept;
  void take_turn() override;
  /// The stream has ended: the next reap() sees to it.
  void look_at(H2Stream& stream) noexcept;
  void reap();
  void see_to(H2Stream& stream);
  void let_go(H2Stream& stream) noexcept;
  /// No head is coming any more.
  void end_head() noexcept {
    heading_ = nullptr;
    H2HeadText::give_back(std::move(coming_));
  }
  void start_ready();
  bool over() noexcept;
  void announce_end() noexcept;
  void go_away() noexcept;
  /// The client does what only an attack does.
  void calm(H2Flood flood) noexcept;
  void violated(std::uint32_t code, const char* why) noexcept;
  void wait_for_end(std::int32_t stream);
  void reset_overtaken();
  Instant deadline() const noexcept;
  H2Stream* find(std::int32_t id) noexcept;
  int on_frame(const nghttp2_frame& frame);

  const Limits limits_;
  H2Handler& handler_;
  std::vector<std::unique_ptr<H2Stream>> streams_;
  std::vector<H2Stream*> due_;
  std::vector<std::int32_t> ready_;     // whose heads came within this read
  H2Stream* heading_ = nullptr;         // whose head is coming
  std::unique_ptr<H2HeadText> coming_;  // that head
  std::uint64_t requests_ = 0;
  Instant idle_since_{};
  Instant head_begun_ = Instant::max();
  H2Watch watch_;
  std::optional<H2Flood> flood_;
  Goodbye goodbye_ = Goodbye::kNotYet;
  Instant announced_{};
  std::vector<Overtaken> overtaken_;
  Patience patience_;
};

}  // namespace rpx::http
