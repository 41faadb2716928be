// H2Client: a connection of a run that speaks HTTP/2, or as many as there are servers: it keeps as many streams open as
// it may, over all of them, each request on the connection to its own server. The worker's thread.
#pragma once

#include <memory>
#include <vector>

#include "h2_link.h"
#include "load/cookies.h"
#include "rt/group.h"
#include "worker.h"

namespace rpx::bench {

class H2Client final : public Client {
 public:
  /// `number` of the connection within the run. `worker` outlives it.
  H2Client(Worker& worker, std::size_t number);
  ~H2Client() override;

  rt::Task<void> run() override;

  /// For the links: takes as many requests as there is room for, and wakes whom they are given to, but for `asking`.
  void fill(const H2Link* asking);
  /// A request is over.
  void done();
  load::Cookies& cookies() noexcept { return cookies_; }

 private:
  bool has_room() const noexcept;

  Worker& worker_;
  rt::Event changed_;          // nothing is left to take, or to wait for
  std::size_t under_way_ = 0;  // requests taken and not over
  load::Cookies cookies_;
  std::vector<std::unique_ptr<H2Link>> links_;
  rt::TaskGroup tasks_;
};

}  // namespace rpx::bench
