// H2Link: a connection to one server of a run that speaks HTTP/2 (RFC 9113), by nghttp2: by ALPN over TLS, by prior
// knowledge without. It opens a stream for each request it is given, checks the replies, and connects again as needed.
// Owned by an H2Client; the worker's thread.
#pragma once

#include <nghttp2/nghttp2.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "load/check.h"
#include "net/stream.h"
#include "rt/event.h"
#include "worker.h"

namespace rpx::bench {

class H2Client;

class H2Link {
 public:
  /// To that origin of the plan; `number` of the connection within the run. `owner` and `worker` outlive it.
  H2Link(H2Client& owner, Worker& worker, std::size_t origin, std::size_t number);
  ~H2Link();
  H2Link(const H2Link&) = delete;
  H2Link& operator=(const H2Link&) = delete;

  /// Until it is destroyed.
  rt::Task<void> run();
  /// How many requests more it could send at once.
  std::size_t room() const noexcept;
  /// Whether it has been given more than the server takes.
  bool overfull() const noexcept;
  void give(const Job& job) { queue_.push_back(job); }
  /// Goes on with what it was given, where it waits for something else.
  void wake();

 private:
  enum class Next : std::uint8_t { kConnect, kRead, kWrite, kIdle, kPause };
  /// One request on its way.
  struct Stream {
    Job job;
    std::string path;
    std::string body;
    std::size_t body_at = 0;
    std::uint64_t length = 0;
    std::int32_t id = 0;
    std::uint16_t status = 0;
    bool used = false;
    bool ended = false;  // the whole reply is there
    bool given_up = false;
    std::unique_ptr<load::BodyHash> hash;
    std::deque<std::pair<std::string, std::string>> fields;  // kept where checks want them
  };
  struct Callbacks;

  const Plan& plan() const noexcept { return worker_.plan(); }
  Next advance();
  std::size_t slots() const noexcept;
  void submit_queued();
  bool submit(const Job& job);
  void fill_fields(const load::Request& request, const load::Fill& fill, Stream& stream);
  bool send();
  bool receive();
  void open_session();
  void closed(Stream& stream, std::uint32_t code);
  void broken(load::Failure failure, const std::string& why);
  void expire();
  void close_session();
  std::string example(const Stream& stream, std::string_view why) const;
  rt::Task<void> connect();

  H2Client& owner_;
  Worker& worker_;
  const Origin& origin_;
  std::size_t number_;
  rt::Event work_;  // there is something in the queue
  std::unique_ptr<net::Stream> stream_;
  std::shared_ptr<tls::SessionSlot> slot_;
  nghttp2_session* session_ = nullptr;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<Stream*> free_;
  std::vector<Job> queue_;  // not sent yet, or refused by a connection that ended
  std::size_t active_ = 0;
  std::string out_;
  std::size_t sent_ = 0;
  std::vector<nghttp2_nv> nv_;
  std::deque<std::string> values_;
  Instant deadline_ = Instant::max();
  bool going_ = false;  // the server takes no new streams here
  bool pause_ = false;
  bool pausing_ = false;
  bool answered_ = false;  // this connection has carried a reply
};

}  // namespace rpx::bench
