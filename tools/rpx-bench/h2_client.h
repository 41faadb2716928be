// H2Client: one connection of a run that speaks HTTP/2 (RFC 9113), by nghttp2: by ALPN over TLS, by prior knowledge
// without. It keeps as many streams open as it may and checks each reply. The worker's thread.
#pragma once

#include <nghttp2/nghttp2.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "load/check.h"
#include "load/cookies.h"
#include "net/stream.h"
#include "worker.h"

namespace rpx::bench {

class H2Client final : public Client {
 public:
  /// `number` of the connection within the run. `worker` outlives it.
  H2Client(Worker& worker, std::size_t number);
  ~H2Client() override;

  rt::Task<void> run() override;

 private:
  enum class Next : std::uint8_t { kConnect, kRead, kWrite, kIdle, kPause, kEnd };
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

  Next advance();
  bool gather();
  void submit(const Job& job);
  void fill_fields(const load::Request& request, const load::Fill& fill, Stream& stream);
  bool send();
  bool receive();
  void open_session();
  void closed(Stream& stream, std::uint32_t code);
  void broken(load::Failure failure, const std::string& why);
  void expire();
  void close_session();
  std::size_t room() const noexcept;
  std::string example(const Stream& stream, std::string_view why) const;
  rt::Task<void> connect();

  Worker& worker_;
  std::size_t number_;
  std::unique_ptr<net::Stream> stream_;
  std::shared_ptr<tls::SessionSlot> slot_;
  nghttp2_session* session_ = nullptr;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<Stream*> free_;
  std::vector<Job> again_;  // refused by a connection that ended: for the next one
  std::size_t active_ = 0;
  std::string out_;
  std::size_t sent_ = 0;
  std::vector<nghttp2_nv> nv_;
  std::deque<std::string> values_;
  Instant deadline_ = Instant::max();
  load::Cookies cookies_;
  bool going_ = false;  // the server takes no new streams here
  bool pause_ = false;
  bool answered_ = false;  // this connection has carried a reply
};

}  // namespace rpx::bench
