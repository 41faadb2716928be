#include "proxy/worker.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <future>
#include <span>

#include "base/log.h"
#include "http/date.h"
#include "http/h2_stream.h"
#include "net/buffer.h"
#include "proxy/connection.h"
#include "proxy/descriptors.h"
#include "proxy/site.h"

namespace rpx::proxy {
namespace {

// Of the objects made for reuse, however long nobody needs them.
constexpr std::size_t kFewSpare = 32;
// Connections taken from one listener before others have their turn.
constexpr int kAcceptBatch = 64;
// Past max_connections new ones wait this long for a place before they are refused.
constexpr Duration kRoomWait = std::chrono::seconds(1);
constexpr Duration kRoomPoll = std::chrono::milliseconds(20);
// What was closed for others has gone by then.
constexpr Duration kRoomComes = std::chrono::milliseconds(1);
constexpr std::size_t kRoomAtOnce = 4;
constexpr Duration kTick = std::chrono::milliseconds(200);
constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\nRetry-After: 1\r\n\r\n";

// A number's hexadecimal digits, the lowest first, all eight of them at once: half a byte each, spread over a byte, and
// those above nine moved on to the letters.
std::uint64_t eight_digits(std::uint32_t number) noexcept {
  std::uint64_t x = number;
  x = (x | x << 16U) & 0x0000ffff0000ffffU;
  x = (x | x << 8U) & 0x00ff00ff00ff00ffU;
  x = (x | x << 4U) & 0x0f0f0f0f0f0f0f0fU;
  const std::uint64_t letters = (x + 0x0606060606060606U) >> 4U & 0x0101010101010101U;
  return x + 0x3030303030303030U + letters * ('a' - '0' - 10);
}

// An accepted socket's other end, without going through text or strings.
std::pair<IpAddress, std::uint16_t> peer_of(const sockaddr_storage& from) noexcept {
  if (from.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
    return {IpAddress::v4(ntohl(v4.sin_addr.s_addr)), ntohs(v4.sin_port)};
  }
  if (from.ss_family != AF_INET6) return {};
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
  std::array<std::uint8_t, 16> bytes;
  std::memcpy(bytes.data(), &v6.sin6_addr, 16);
  return {IpAddress::v6(bytes), ntohs(v6.sin6_port)};
}

}  // namespace

struct Worker::Acceptor {
  Acceptor(rt::Loop& loop, int socket, std::shared_ptr<const ListenerFacts> by)
      : fd(socket), io(loop, socket), facts(std::move(by)), tasks(loop) {}
  int fd;
  rt::Pollable io;
  std::shared_ptr<const ListenerFacts> facts;
  bool made_room = false;  // another was closed for the last that came
  int in_batch = 0;        // taken since nobody waited
  rt::TaskGroup tasks;
};

Worker::Worker(std::uint32_t number, ConnectionLimits& limits, rt::Offload& offload)
    : number_(number),
      limits_(limits),
      offload_(offload),
      shedding_(loop_, counters_, limits),
      spare_(kFewSpare),
      spare_streams_(kFewSpare),
      connections_(loop_),
      own_tasks_(loop_) {
  if (getrandom(random_, sizeof random_, 0) != sizeof random_) {
    random_[0] = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
    random_[1] = number + 1;
  }
  random_[0] |= 1;
}

Worker::~Worker() { stop_and_join(); }

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::run() {
  pthread_setname_np(pthread_self(), ("rpx-" + std::to_string(number_)).c_str());
  wall_offset_ = std::chrono::system_clock::now() -
                 std::chrono::duration_cast<WallTime::duration>(std::chrono::steady_clock::now().time_since_epoch());
  own_tasks_.spawn(tick());
  loop_.run();
  // Everything that lives on this thread's memory pools ends on this thread.
  cut_.store(connections_.size() != 0, std::memory_order_relaxed);
  acceptors_.clear();
  connections_.cancel_all();
  own_tasks_.cancel_all();
  access_log_.flush();
  access_log_ = {};
  spare_.clear();
  spare_streams_.clear();
  live_.reset();
}

bool Worker::stop_and_join() {
  if (thread_.joinable()) {
    loop_.stop();
    thread_.join();
  }
  return !cut_.load(std::memory_order_relaxed);
}

std::future<void> Worker::set_site(std::shared_ptr<const Site> site, std::shared_ptr<LogWriter> access_writer) {
  // Held by both sides: the caller may stop waiting before we come to it.
  auto in_use = std::make_shared<std::promise<void>>();
  std::future<void> done = in_use->get_future();
  loop_.post([this, site = std::move(site), writer = std::move(access_writer), in_use] {
    use_site(site, writer);
    in_use->set_value();
  });
  return done;
}

void Worker::use_site(std::shared_ptr<const Site> site, std::shared_ptr<LogWriter> access_writer) {
  auto next = std::make_shared<LiveSite>();
  for (const Upstream& upstream : site->upstreams()) {
    std::shared_ptr<upstream::Pool> pool;
    if (live_)
      for (std::size_t i = 0; i < live_->pools.size(); ++i)
        if (live_->site->upstreams()[i].options->name == upstream.options->name) pool = live_->pools[i];
    if (!pool) pool = std::make_shared<upstream::Pool>(loop_, number_);
    pool->configure(*upstream.options, upstream.servers, upstream.queue);
    next->pools.push_back(std::move(pool));
  }
  shedding_.configure(site->limits(), site->options().serve.max_connections);
  access_log_ = access_writer ? AccessLog(std::move(access_writer), site->access_format()) : AccessLog();
  next->site = std::move(site);
  live_ = std::move(next);
}

std::future<void> Worker::set_blocks(std::shared_ptr<const policy::BlockTable> blocks) {
  auto in_use = std::make_shared<std::promise<void>>();
  std::future<void> done = in_use->get_future();
  loop_.post([this, blocks = std::move(blocks), in_use] {
    use_blocks(blocks);
    in_use->set_value();
  });
  return done;
}

void Worker::use_blocks(std::shared_ptr<const policy::BlockTable> blocks) {
  blocks_ = std::move(blocks);
  if (!blocks_) return;
  // Whatever a connection is about, it ends at its next look at the socket.
  for (ClientConnection* connection = first_; connection; connection = connection->next) {
    // With a status each request is told; a tcp connection has none.
    if (blocks_->status() != 0 && !connection->listener->options.is_tcp()) continue;
    if (connection->listener->is_unix || !blocks_->blocks(connection->peer)) continue;
    blocks_->count_hit(connection->peer);
    counters_.blocked.add();
    shutdown(connection->stream().io().fd(), SHUT_RDWR);
  }
}

void Worker::add_listener(int fd, std::shared_ptr<const ListenerFacts> facts) {
  loop_.post([this, fd, facts = std::move(facts)] {
    if (draining_) return;
    acceptors_.push_back(std::make_unique<Acceptor>(loop_, fd, facts));
    acceptors_.back()->tasks.spawn(accept_from(*acceptors_.back()));
  });
}

void Worker::update_listener(int fd, std::shared_ptr<const ListenerFacts> facts) {
  loop_.post([this, fd, facts = std::move(facts)] {
    for (const auto& acceptor : acceptors_)
      if (acceptor->fd == fd) acceptor->facts = facts;
  });
}

void Worker::remove_listener(int fd) {
  // The caller closes the descriptor next; it must not be watched any more by then.
  std::promise<void> done;
  loop_.post([this, fd, &done] {
    for (const auto& acceptor : acceptors_) {
      int failed = 0;
      while (acceptor->fd == fd && limits_.enter(live_->site->options().serve.max_connections) &&
             accept_one(*acceptor, failed)) {
      }
    }
    std::erase_if(acceptors_, [fd](const auto& acceptor) { return acceptor->fd == fd; });
    done.set_value();
  });
  done.get_future().wait();
}

rt::Task<void> Worker::tell_when_empty(std::function<void()> on_empty) {
  while (connections_.size() != 0) co_await connections_.empty().wait();
  on_empty();
}

void Worker::serve_inside(net::UniqueFd fd, std::shared_ptr<const ListenerFacts> facts) {
  // Posted calls can be copied.
  auto held = std::make_shared<net::UniqueFd>(std::move(fd));
  loop_.post([this, held, facts = std::move(facts)] {
    if (!limits_.enter(live_->site->options().serve.max_connections)) return;
    if (!facts->enter()) return limits_.leave();
    counters_.accepted.add();
    const IpAddress here = *IpAddress::parse("127.0.0.1");
    connections_.spawn(serve_connection(*this, {std::move(*held), here, 0, facts}));
  });
}

void Worker::drain(std::function<void()> on_empty) {
  loop_.post([this, on_empty = std::move(on_empty)] {
    draining_ = true;
    acceptors_.clear();
    own_tasks_.spawn(tell_when_empty(on_empty));
    // Connections between exchanges wait for a head that may never come.
    for (ClientConnection* connection = first_; connection;) {
      ClientConnection* next = connection->next;
      if (connection->idle || connection->multiplexed) connection->stream().io().interrupt_read();
      connection = next;
    }
  });
}

rt::Task<bool> Worker::wait_for_room(Acceptor& acceptor) {
  const Instant until = loop_.now() + kRoomWait;
  while (loop_.now() < until) {
    const bool makes_room = shedding_.make_room(kRoomAtOnce) != 0;
    co_await loop_.sleep_until(loop_.now() + (makes_room ? kRoomComes : kRoomPoll));
    if (limits_.enter(live_->site->options().serve.max_connections)) co_return true;
  }
  // Nobody leaves: those who wait longest are told, so that they can go elsewhere.
  for (int n = 0; n < kAcceptBatch; ++n) {
    const net::UniqueFd refused(accept4(acceptor.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!refused) break;
    refuse(acceptor, refused.get());
  }
  co_return false;
}

// Who speaks HTTP is told.
void Worker::refuse(const Acceptor& acceptor, int fd) noexcept {
  if (!acceptor.facts->options.tls && !acceptor.facts->options.is_tcp()) {
    send(fd, kFull.data(), kFull.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    // A request that is not read would make of the end a reset, which may overtake the answer.
    const std::span<char> dropped = net::scratch();
    [[maybe_unused]] const ssize_t got = recv(fd, dropped.data(), dropped.size(), MSG_DONTWAIT);
  }
  counters_.refused.add();
}

// The place in the count of connections has been taken already; it is given back when nobody was there.
bool Worker::accept_one(Acceptor& acceptor, int& failed) {
  sockaddr_storage from;
  socklen_t length = sizeof from;
  net::UniqueFd fd(accept4(acceptor.fd, reinterpret_cast<sockaddr*>(&from), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) {
    failed = errno;
    limits_.leave();
    return false;
  }
  counters_.accepted.add();
  acceptor.made_room = false;
  const auto [ip, port] = peer_of(from);
  if (blocks_ && !acceptor.facts->is_unix && blocks_->blocks(ip) && blocks_->status() == 0) {
    blocks_->count_hit(ip);
    counters_.blocked.add();
    limits_.leave();
    return true;
  }
  // Those who stood in line may have been reset there; in a flood of such the others wait for nothing but this.
  if (acceptor.in_batch != 0 && net::is_reset(fd.get())) {
    limits_.leave();
    return true;
  }
  const bool is_short = few_descriptors_left(fd.get());
  acceptor.made_room = is_short && shedding_.make_room(1) != 0;
  if ((is_short && !acceptor.made_room) || shedding_.overloaded() || !acceptor.facts->enter()) {
    refuse(acceptor, fd.get());
    limits_.leave();
    return true;
  }
  connections_.spawn(serve_connection(*this, {std::move(fd), ip, port, acceptor.facts}));
  return true;
}

rt::Task<void> Worker::accept_from(Acceptor& acceptor) {
  for (;;) {
    bool has_place = limits_.enter(live_->site->options().serve.max_connections);
    if (!has_place) has_place = co_await wait_for_room(acceptor);
    if (!has_place) continue;
    int failed = 0;
    if (accept_one(acceptor, failed)) {
      if (acceptor.made_room)
        co_await loop_.sleep_until(loop_.now() + kRoomComes);
      else if (++acceptor.in_batch % kAcceptBatch == 0)
        co_await loop_.yield();
      continue;
    }
    if (failed == EAGAIN) {
      acceptor.io.cleared_read();
      acceptor.in_batch = 0;
      co_await acceptor.io.readable(Instant::max());
    } else if (failed == EMFILE || failed == ENFILE || failed == ENOBUFS || failed == ENOMEM) {
      log_event(LogLevel::kError, "cannot accept connections",
                {{"listener", acceptor.facts->options.name}, {"reason", errno_text("accept", failed)}});
      co_await loop_.sleep_until(loop_.now() + std::chrono::milliseconds(100));
    }
    // Anything else concerns that one connection, which is gone already.
  }
}

rt::Task<void> Worker::tick() {
  for (int n = 1;; ++n) {
    co_await loop_.sleep_until(loop_.now() + kTick);
    co_await shedding_.measure();
    if (access_log_.pending()) access_log_.flush();
    if (n % 5 != 0) continue;
    for (const auto& pool : live_->pools) pool->sweep(loop_.now());
    spare_.sweep();
    spare_streams_.sweep();
    // The two clocks drift apart, and the wall clock may be set.
    wall_offset_ = std::chrono::system_clock::now() -
                   std::chrono::duration_cast<WallTime::duration>(std::chrono::steady_clock::now().time_since_epoch());
  }
}

std::unique_ptr<Busy> Worker::borrow() {
  std::unique_ptr<Busy> busy = spare_.take();
  return busy ? std::move(busy) : std::make_unique<Busy>(loop_);
}

void Worker::give_back(std::unique_ptr<Busy> busy) noexcept { spare_.keep(std::move(busy)); }

void Worker::link(ClientConnection& connection) noexcept {
  connection.next = first_;
  if (first_) first_->prev = &connection;
  first_ = &connection;
  shedding_.awaits_head(connection);
}

void Worker::unlink(ClientConnection& connection) noexcept {
  shedding_.is_served(connection);
  (connection.prev ? connection.prev->next : first_) = connection.next;
  if (connection.next) connection.next->prev = connection.prev;
}

// xorshift128+: ids have to differ, not to be secret.
std::uint64_t Worker::next_random() noexcept {
  std::uint64_t x = random_[0];
  const std::uint64_t y = random_[1];
  random_[0] = y;
  x ^= x << 23;
  random_[1] = x ^ y ^ (x >> 17) ^ (y >> 26);
  return random_[1] + y;
}

void Worker::make_request_id(char* out) noexcept {
  for (int half = 0; half < 2; ++half) {
    const std::uint64_t value = next_random();
    for (const std::uint64_t part : {value & 0xffffffffU, value >> 32U}) {
      const std::uint64_t digits = eight_digits(static_cast<std::uint32_t>(part));
      std::memcpy(out, &digits, sizeof digits);
      out += sizeof digits;
    }
  }
}

Duration Worker::chance(Duration most) noexcept {
  if (most <= Duration::zero()) return {};
  return Duration(static_cast<Duration::rep>(next_random() % static_cast<std::uint64_t>(most.count())));
}

std::string_view Worker::http_date() {
  const WallTime now = wall_now();
  const std::time_t second = std::chrono::system_clock::to_time_t(now);
  if (second != date_second_) {
    date_second_ = second;
    date_ = http::format_http_date(now);
  }
  return date_;
}

}  // namespace rpx::proxy
