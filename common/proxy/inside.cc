#include "proxy/inside.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "base/result.h"
#include "proxy/worker.h"

namespace rpx::proxy {

Result<net::UniqueFd> connect_inside(Workers workers) {
  static std::atomic<std::size_t> next{0};
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return self_error(ErrorKind::kIo, errno_text("socketpair", errno));
  net::UniqueFd near(ends[0]);
  net::UniqueFd far(ends[1]);
  // Only the worker's end never waits.
  fcntl(far.get(), F_SETFL, O_NONBLOCK);
  auto facts = std::make_shared<ListenerFacts>();
  facts->options.name = "inside";
  facts->options.trusted_proxies = {*IpPrefix::parse("127.0.0.1")};
  facts->is_unix = true;
  workers[next.fetch_add(1, std::memory_order_relaxed) % workers.size()]->serve_inside(std::move(far),
                                                                                       std::move(facts));
  return near;
}

}  // namespace rpx::proxy
