// H1Client: one connection of a run that speaks HTTP/1.1. It takes requests from its worker, keeps as many on the way
// as may be pipelined, reads and checks the replies, and connects again as needed. The worker's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "load/cookies.h"
#include "load/reply_reader.h"
#include "net/buffer.h"
#include "net/stream.h"
#include "worker.h"

namespace rpx::bench {

class H1Client final : public Client {
 public:
  /// `number` of the connection within the run. `worker` outlives it.
  H1Client(Worker& worker, std::size_t number);
  ~H1Client() override;

  rt::Task<void> run() override;

 private:
  enum class Next : std::uint8_t { kConnect, kRead, kWrite, kIdle, kPause, kEnd };
  enum class Io : std::uint8_t { kBlocked, kProgress, kBroken };
  /// A connection to one origin.
  struct Link {
    std::unique_ptr<net::Stream> stream;
    net::InputBuffer input;
    std::shared_ptr<tls::SessionSlot> slot;
    bool used = false;  // it has carried a reply
  };
  struct Flight {
    Job job;
    std::size_t end = 0;  // of its bytes in out_
  };

  Next advance();
  bool gather();
  Io send();
  Io receive();
  Io read_more(Link& link);
  Io step_done(load::ReplyReader::Step step);
  void complete();
  void broken(load::Failure failure, const std::string& why);
  void drop(load::Failure failure, std::string_view why);
  void close_link();
  rt::Task<void> connect();
  std::string example(std::string_view why) const;
  void keep_cookies();

  Worker& worker_;
  std::size_t number_;
  load::ReplyReader reader_;
  std::vector<Link> links_;
  std::size_t at_ = 0;           // which link is in use
  std::vector<Flight> flights_;  // in order; used from first_ on
  std::size_t first_ = 0;
  std::string out_;
  std::size_t sent_ = 0;
  Job next_{};  // taken for another link than the one in use
  bool has_next_ = false;
  bool pause_ = false;
  bool reading_ = false;  // the reader has begun with the first flight
  Instant deadline_ = Instant::max();
  std::vector<std::string> set_cookies_;
  load::Cookies cookies_;
};

}  // namespace rpx::bench
