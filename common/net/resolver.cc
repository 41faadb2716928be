#include "net/resolver.h"

#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <map>
#include <thread>

#include "base/log.h"
#include "net/fd.h"

namespace rpx::net {
namespace {

// Answers are used for at least a second, whatever their TTL, and asked again after five minutes at the latest;
// names from the hosts file come without a TTL.
constexpr Duration kShortest = std::chrono::seconds(1);
constexpr Duration kLongest = std::chrono::minutes(5);
constexpr Duration kNoTtl = std::chrono::seconds(30);
constexpr Duration kRetryMost = std::chrono::seconds(30);

}  // namespace

std::vector<IpAddress> Name::addresses(std::string* error) const {
  const std::scoped_lock lock(mutex_);
  if (error) *error = error_;
  return addresses_;
}

void Name::set(std::vector<IpAddress> addresses, std::string error) {
  std::ranges::sort(addresses);
  bool changed = false;
  {
    const std::scoped_lock lock(mutex_);
    error_ = std::move(error);
    // An empty or failed answer does not take servers away that worked a moment ago.
    if (!addresses.empty() && addresses != addresses_) {
      addresses_ = std::move(addresses);
      changed = true;
    }
  }
  if (changed) version_.fetch_add(1, std::memory_order_release);
  answered_.store(true, std::memory_order_release);
}

struct Resolver::State {
  struct Entry {
    std::weak_ptr<Name> name;
    Instant due{};
    Duration backoff = kShortest;
    bool asking = false;
  };
  struct Query {
    State* state;
    std::string host;
  };

  std::mutex mutex;
  std::condition_variable answered;
  std::map<std::string, Entry> entries;  // under mutex
  bool stopping = false;                 // under mutex
  UniqueFd wake{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  ares_channel channel = nullptr;
  std::thread thread;

  void poke() const noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(wake.get(), &one, sizeof one);
  }
  void run();
  Duration ask_due();
  void poll_once(Duration longest);
  static void on_answer(void* query, int status, int timeouts, ares_addrinfo* result);
  void take_answer(const std::string& host, int status, const ares_addrinfo* result);
};

// Asks for every name that is due and says how long until the next will be.
Duration Resolver::State::ask_due() {
  const Instant now = std::chrono::steady_clock::now();
  std::vector<std::string> due;
  Duration next = kLongest;
  {
    const std::scoped_lock lock(mutex);
    std::erase_if(entries, [](const auto& entry) { return entry.second.name.expired() && !entry.second.asking; });
    for (auto& [host, entry] : entries) {
      if (entry.asking) continue;
      if (entry.due > now) {
        next = std::min<Duration>(next, entry.due - now);
        continue;
      }
      entry.asking = true;
      due.push_back(host);
    }
  }
  for (const std::string& host : due) {
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(channel, host.c_str(), nullptr, &hints, &on_answer, new Query{this, host});
  }
  return due.empty() ? next : Duration::zero();
}

void Resolver::State::on_answer(void* raw, int status, int, ares_addrinfo* result) {
  const std::unique_ptr<Query> query(static_cast<Query*>(raw));
  if (status != ARES_EDESTRUCTION) query->state->take_answer(query->host, status, result);
  if (result) ares_freeaddrinfo(result);
}

void Resolver::State::take_answer(const std::string& host, int status, const ares_addrinfo* result) {
  std::vector<IpAddress> addresses;
  Duration ttl = kLongest;
  for (const ares_addrinfo_node* node = result ? result->nodes : nullptr; node; node = node->ai_next) {
    addresses.push_back(Address::from_sockaddr(node->ai_addr, node->ai_addrlen).ip);
    ttl = std::min<Duration>(ttl, node->ai_ttl > 0 ? std::chrono::seconds(node->ai_ttl) : kNoTtl);
  }
  std::shared_ptr<Name> name;
  {
    const std::scoped_lock lock(mutex);
    Entry& entry = entries[host];
    entry.asking = false;
    name = entry.name.lock();
    entry.backoff = addresses.empty() ? std::min(entry.backoff * 2, kRetryMost) : kShortest;
    entry.due = std::chrono::steady_clock::now() + (addresses.empty() ? entry.backoff : std::max(ttl, kShortest));
  }
  if (name) {
    std::string error = addresses.empty() ? std::string(ares_strerror(status)) : std::string();
    if (!error.empty()) log_event(LogLevel::kWarning, "name does not resolve", {{"name", host}, {"reason", error}});
    name->set(std::move(addresses), std::move(error));
  }
  // Whoever waits looks at the names under the mutex: taken here, it keeps the news from falling between the look
  // and the wait.
  {
    const std::scoped_lock lock(mutex);
  }
  answered.notify_all();
}

void Resolver::State::poll_once(Duration longest) {
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
  const int mask = ares_getsock(channel, sockets.data(), static_cast<int>(sockets.size()));
  std::array<pollfd, ARES_GETSOCK_MAXNUM + 1> fds{};
  nfds_t count = 0;
  fds[count++] = {wake.get(), POLLIN, 0};
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    short events = 0;
    if (ARES_GETSOCK_READABLE(mask, i)) events |= POLLIN;
    if (ARES_GETSOCK_WRITABLE(mask, i)) events |= POLLOUT;
    if (events) fds[count++] = {sockets[i], events, 0};
  }
  const auto longest_ms = std::chrono::ceil<std::chrono::milliseconds>(longest);
  timeval most{longest_ms.count() / 1000, (longest_ms.count() % 1000) * 1000};
  timeval wanted{};
  const timeval* wait = ares_timeout(channel, &most, &wanted);
  poll(fds.data(), count, static_cast<int>(wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1));
  if (fds[0].revents) {
    std::uint64_t drained = 0;
    [[maybe_unused]] const auto got = read(wake.get(), &drained, sizeof drained);
  }
  bool any = false;
  for (nfds_t i = 1; i < count; ++i) {
    if (!fds[i].revents) continue;
    any = true;
    ares_process_fd(channel, fds[i].revents & (POLLIN | POLLERR | POLLHUP) ? fds[i].fd : ARES_SOCKET_BAD,
                    fds[i].revents & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
  }
  if (!any) ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void Resolver::State::run() {
  for (;;) {
    {
      const std::scoped_lock lock(mutex);
      if (stopping) return;
    }
    poll_once(ask_due());
  }
}

Resolver::Resolver() : state_(std::make_unique<State>()) {}

Resolver::~Resolver() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->stopping = true;
  }
  state_->poke();
  if (state_->thread.joinable()) state_->thread.join();
  if (state_->channel) ares_destroy(state_->channel);
}

std::shared_ptr<Name> Resolver::watch(const std::string& host) {
  const std::scoped_lock lock(state_->mutex);
  State::Entry& entry = state_->entries[host];
  std::shared_ptr<Name> name = entry.name.lock();
  if (name) return name;
  name = std::make_shared<Name>(host);
  entry.name = name;
  entry.due = {};
  // The first name starts the thread; a proxy that is given addresses only never has one.
  if (!state_->thread.joinable()) {
    ares_options options{};
    options.timeout = 2000;
    options.tries = 2;
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
        ares_init_options(&state_->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) != ARES_SUCCESS) {
      state_->channel = nullptr;
      name->set({}, "the resolver cannot be started");
      return name;
    }
    state_->thread = std::thread([state = state_.get()] { state->run(); });
  }
  state_->poke();
  return name;
}

void Resolver::wait_for_first_answers(Duration longest) {
  std::unique_lock lock(state_->mutex);
  state_->answered.wait_for(lock, longest, [this] {
    return std::ranges::all_of(state_->entries, [](const auto& entry) {
      const auto name = entry.second.name.lock();
      return !name || name->answered();
    });
  });
}

}  // namespace rpx::net
