// Names to addresses, and services to servers, off the event loops: one thread asks, keeps each fresh by its TTL, and
// keeps the old answer when a new one cannot be had. Any thread may read a name.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/units.h"
#include "net/srv.h"

namespace rpx::net {

/// Who is asked.
struct ResolverOptions {
  std::vector<std::string> servers;            ///< "127.0.0.1:53", "[::1]:5353"; empty = those of the system
  Duration timeout = std::chrono::seconds(2);  ///< for the first answer of one; longer for each further try
  std::uint32_t tries = 2;                     ///< of each
  auto operator<=>(const ResolverOptions&) const = default;
};

/// What is known of a name, an old answer being better than none. T is what an answer is made of.
template <class T>
class Watched {
 public:
  explicit Watched(std::string host) : host_(std::move(host)) {}
  const std::string& host() const noexcept { return host_; }
  /// What it has now, sorted; empty when it has never resolved. `error` says why, when it is not null.
  std::vector<T> entries(std::string* error = nullptr) const {
    const std::scoped_lock lock(mutex_);
    if (error) *error = error_;
    return entries_;
  }
  /// Grows with every change of them; cheap enough to look at per request.
  std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }
  /// A first answer, good or bad, has come.
  bool answered() const noexcept { return answered_.load(std::memory_order_acquire); }

 private:
  friend class Resolver;
  void set(std::vector<T> entries, std::string error);
  const std::string host_;
  mutable std::mutex mutex_;
  std::vector<T> entries_;
  std::string error_;
  std::atomic<std::uint64_t> version_{0};
  std::atomic<bool> answered_{false};
};

/// A name being kept fresh. Alive as long as somebody holds it.
class Name : public Watched<IpAddress> {
 public:
  using Watched::Watched;
  std::vector<IpAddress> addresses(std::string* error = nullptr) const { return entries(error); }
};

/// A service, "_http._tcp.example.com", in the same way.
class Service : public Watched<SrvRecord> {
 public:
  using Watched::Watched;
  std::vector<SrvRecord> records(std::string* error = nullptr) const { return entries(error); }
};

class Resolver {
 public:
  /// However long an answer may be used, names are asked for again after this.
  static constexpr Duration kLongest = std::chrono::minutes(5);

  Resolver();
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Who is asked from now on.
  void configure(ResolverOptions options);
  /// Keeps `host` (a DNS name) resolved until the last holder lets go; asks again after `longest` at the latest. The
  /// same name is asked for once.
  std::shared_ptr<Name> watch(const std::string& host, Duration longest = kLongest);
  /// The same for a service's SRV records.
  std::shared_ptr<Service> watch_service(const std::string& host, Duration longest = kLongest);
  /// Waits until every watched name has had an answer, at most for `longest`.
  void wait_for_first_answers(Duration longest);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rpx::net
