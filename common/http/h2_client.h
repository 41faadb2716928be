// H2Client: a connection on which a server is asked in HTTP/2 (RFC 9113), by nghttp2. Many calls share it, each a
// stream; upstream/ makes it and lends it out in slots. It reads by itself, and tells its calls when it ends. One
// thread.
#pragma once

#include <memory>
#include <vector>

#include "http/h2_link.h"

namespace rpx::http {

class H2Call;

class H2Client final : private H2Link {
 public:
  /// `stream` is connected, and both sides know that HTTP/2 is spoken.
  explicit H2Client(std::unique_ptr<net::Stream> stream);
  ~H2Client();

  /// It takes a further call.
  bool usable() const noexcept;
  /// Calls that have, or are about to have, a stream.
  std::uint32_t slots() const noexcept { return slots_; }
  /// Since when there is none.
  Instant idle_since() const noexcept { return idle_since_; }
  /// No further calls: the connection ends with the last one.
  void retire() noexcept;
  bool retired() const noexcept { return retired_ || over_; }
  /// It has ended.
  bool over() const noexcept { return over_; }
  /// The server has not said yet how many calls it takes: one is made at once (RFC 9113 section 3.4), others wait.
  bool young() const noexcept { return !told_settings_ && !unsaid_ && !over_; }
  /// Suspends until the server has said what it takes, or the connection has ended; at most until `deadline`. What it
  /// does not say by then is taken to be the usual.
  rt::Task<void> settle(Instant deadline);
  /// The server takes an extended CONNECT (RFC 8441), so far as it has said what it takes.
  bool connects() const noexcept;
  /// Why it has ended.
  Error ending() const;

 private:
  friend class H2Call;
  friend class H2Slot;
  struct Callbacks;
  void open();
  void take_turn() override;
  rt::Task<Status> run();
  bool finished() noexcept;
  void end_calls();
  int on_frame(const nghttp2_frame& frame);
  H2Call* find(std::int32_t id) const noexcept;
  void forget(const H2Call& call) noexcept;

  std::unique_ptr<net::Stream> owned_;
  std::vector<H2Call*> calls_;
  std::uint32_t slots_ = 0;
  Instant idle_since_{};
  Instant heard_{};         // of the server, last
  Instant no_more_till_{};  // it has refused a stream: for a moment it is left alone
  std::string fault_;       // what was wrong with the last thing it said
  bool retired_ = false;
  bool told_settings_ = false;
  bool unsaid_ = false;  // it was waited for long enough
  bool over_ = false;
  rt::Event settled_;
  rt::Child<Status> task_;
};

/// A place on a shared connection, for one call. Whoever holds it keeps the connection alive; the call's stream ends
/// with it.
class H2Slot {
 public:
  explicit H2Slot(std::shared_ptr<H2Client> client) noexcept;
  ~H2Slot();
  H2Slot(const H2Slot&) = delete;
  H2Slot& operator=(const H2Slot&) = delete;
  H2Client& client() const noexcept { return *client_; }
  const std::shared_ptr<H2Client>& shared() const noexcept { return client_; }

 private:
  friend class H2Call;
  std::shared_ptr<H2Client> client_;
  H2Call* call_ = nullptr;
};

}  // namespace rpx::http
