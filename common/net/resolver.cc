#include "net/resolver.h"

#include <ares.h>
#include <arpa/nameser.h>
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

// Answers are used for at least a second, whatever their TTL; names from the hosts file come without one.
constexpr Duration kShortest = std::chrono::seconds(1);
constexpr Duration kNoTtl = std::chrono::seconds(30);
constexpr Duration kRetryMost = std::chrono::seconds(30);

std::string csv_of(const std::vector<std::string>& servers) {
  std::string out;
  for (const std::string& server : servers) out += (out.empty() ? "" : ",") + server;
  return out;
}

}  // namespace

template <class T>
void Watched<T>::set(std::vector<T> entries, std::string error) {
  std::ranges::sort(entries);
  bool changed = false;
  {
    const std::scoped_lock lock(mutex_);
    error_ = std::move(error);
    // An empty or failed answer does not take servers away that worked a moment ago.
    if (!entries.empty() && entries != entries_) {
      entries_ = std::move(entries);
      changed = true;
    }
  }
  if (changed) version_.fetch_add(1, std::memory_order_release);
  answered_.store(true, std::memory_order_release);
}

struct Resolver::State {
  struct Entry {
    std::weak_ptr<Name> name;
    std::weak_ptr<Service> service;  // one of the two
    Instant due{};
    Duration backoff = kShortest;
    Duration longest = kLongest;
    bool asking = false;

    bool is_wanted() const noexcept { return !name.expired() || !service.expired(); }
    bool is_answered() const {
      const auto of_name = name.lock();
      const auto of_service = service.lock();
      return (!of_name || of_name->answered()) && (!of_service || of_service->answered());
    }
  };
  // Services are told from names by what is before their name.
  using Key = std::pair<bool, std::string>;
  struct Query {
    State* state;
    Key key;
  };

  std::mutex mutex;
  std::condition_variable answered;
  std::map<Key, Entry> entries;  // under mutex
  bool stopping = false;         // under mutex
  ResolverOptions options;       // under mutex
  bool servers_changed = false;  // under mutex
  UniqueFd wake{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  ares_channel channel = nullptr;
  std::thread thread;

  void poke() const noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(wake.get(), &one, sizeof one);
  }
  void run();
  bool start();
  void use_servers();
  template <class T>
  std::shared_ptr<T> watch(const Key& key, std::weak_ptr<T> Entry::* member, Duration longest);
  Duration ask_due();
  void poll_once(Duration longest);
  static void on_answer(void* query, int status, int timeouts, ares_addrinfo* result);
  static void on_records(void* query, int status, int timeouts, unsigned char* message, int length);
  template <class W, class T>
  void take(const Key& key, std::weak_ptr<W> Entry::* member, std::vector<T> entries, Duration ttl, std::string error);
};

// Asks for every name that is due and says how long until the next will be.
Duration Resolver::State::ask_due() {
  const Instant now = std::chrono::steady_clock::now();
  std::vector<Key> due;
  Duration next = kLongest;
  {
    const std::scoped_lock lock(mutex);
    std::erase_if(entries, [](const auto& entry) { return !entry.second.is_wanted() && !entry.second.asking; });
    for (auto& [key, entry] : entries) {
      if (entry.asking) continue;
      if (entry.due > now) {
        next = std::min<Duration>(next, entry.due - now);
        continue;
      }
      entry.asking = true;
      due.push_back(key);
    }
  }
  for (const Key& key : due) {
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    auto* query = new Query{this, key};
    if (key.first)
      ares_query(channel, key.second.c_str(), ns_c_in, ns_t_srv, &on_records, query);
    else
      ares_getaddrinfo(channel, key.second.c_str(), nullptr, &hints, &on_answer, query);
  }
  return due.empty() ? next : Duration::zero();
}

void Resolver::State::on_answer(void* raw, int status, int, ares_addrinfo* result) {
  const std::unique_ptr<Query> query(static_cast<Query*>(raw));
  std::vector<IpAddress> addresses;
  Duration ttl = kLongest;
  for (const ares_addrinfo_node* node = result ? result->nodes : nullptr; node; node = node->ai_next) {
    addresses.push_back(Address::from_sockaddr(node->ai_addr, node->ai_addrlen).ip);
    ttl = std::min<Duration>(ttl, node->ai_ttl > 0 ? std::chrono::seconds(node->ai_ttl) : kNoTtl);
  }
  if (result) ares_freeaddrinfo(result);
  if (status == ARES_EDESTRUCTION) return;
  std::string error = addresses.empty() ? std::string(ares_strerror(status)) : std::string();
  query->state->take(query->key, &Entry::name, std::move(addresses), ttl, std::move(error));
}

void Resolver::State::on_records(void* raw, int status, int, unsigned char* message, int length) {
  const std::unique_ptr<Query> query(static_cast<Query*>(raw));
  if (status == ARES_EDESTRUCTION) return;
  SrvAnswer answer;
  std::string error;
  if (status != ARES_SUCCESS) {
    error = ares_strerror(status);
  } else if (auto read = parse_srv({message, static_cast<std::size_t>(length)})) {
    answer = std::move(*read);
    if (answer.records.empty()) error = "the service has no servers";
  } else {
    error = read.error().detail;
  }
  query->state->take(query->key, &Entry::service, std::move(answer.records), answer.ttl, std::move(error));
}

template <class W, class T>
void Resolver::State::take(const Key& key, std::weak_ptr<W> Entry::* member, std::vector<T> found, Duration ttl,
                           std::string error) {
  std::shared_ptr<W> watched;
  {
    const std::scoped_lock lock(mutex);
    Entry& entry = entries[key];
    entry.asking = false;
    watched = (entry.*member).lock();
    entry.backoff = found.empty() ? std::min(entry.backoff * 2, kRetryMost) : kShortest;
    const Duration wait =
        found.empty() ? entry.backoff : std::clamp(ttl, kShortest, std::max(kShortest, entry.longest));
    entry.due = std::chrono::steady_clock::now() + wait;
  }
  if (watched) {
    if (!error.empty())
      log_event(LogLevel::kWarning, "name does not resolve", {{"name", key.second}, {"reason", error}});
    watched->set(std::move(found), std::move(error));
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
      if (std::exchange(servers_changed, false)) use_servers();
    }
    poll_once(ask_due());
  }
}

void Resolver::State::use_servers() {
  if (options.servers.empty()) return;
  const std::string csv = csv_of(options.servers);
  if (const int status = ares_set_servers_ports_csv(channel, csv.c_str()); status != ARES_SUCCESS)
    log_event(LogLevel::kError, "the DNS servers cannot be used",
              {{"servers", csv}, {"reason", ares_strerror(status)}});
}

// The first name starts the thread; a proxy that is given addresses only never has one.
bool Resolver::State::start() {
  if (thread.joinable()) return true;
  ares_options made{};
  made.timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(options.timeout).count());
  made.tries = static_cast<int>(options.tries);
  if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
      ares_init_options(&channel, &made, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) != ARES_SUCCESS) {
    channel = nullptr;
    return false;
  }
  use_servers();
  thread = std::thread([this] { run(); });
  return true;
}

template <class T>
std::shared_ptr<T> Resolver::State::watch(const Key& key, std::weak_ptr<T> Entry::* member, Duration longest) {
  const std::scoped_lock lock(mutex);
  Entry& entry = entries[key];
  std::shared_ptr<T> watched = (entry.*member).lock();
  entry.longest = watched ? std::min(entry.longest, longest) : longest;
  if (watched) return watched;
  watched = std::make_shared<T>(key.second);
  entry.*member = watched;
  entry.due = {};
  if (start())
    poke();
  else
    watched->set({}, "the resolver cannot be started");
  return watched;
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

void Resolver::configure(ResolverOptions options) {
  const std::scoped_lock lock(state_->mutex);
  state_->servers_changed |= options.servers != state_->options.servers;
  state_->options = std::move(options);
  state_->poke();
}

std::shared_ptr<Name> Resolver::watch(const std::string& host, Duration longest) {
  return state_->watch({false, host}, &State::Entry::name, longest);
}

std::shared_ptr<Service> Resolver::watch_service(const std::string& host, Duration longest) {
  return state_->watch({true, host}, &State::Entry::service, longest);
}

void Resolver::wait_for_first_answers(Duration longest) {
  std::unique_lock lock(state_->mutex);
  state_->answered.wait_for(lock, longest, [this] {
    return std::ranges::all_of(state_->entries, [](const auto& entry) { return entry.second.is_answered(); });
  });
}

}  // namespace rpx::net
