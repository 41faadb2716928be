// What all workers know together of one server of a pool: its name, its addresses, its counters. Shared by
// the sites before and after a reload as long as the server stays configured. Any thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "balance/latency.h"
#include "balance/typical_latency.h"
#include "base/error.h"
#include "base/events.h"
#include "base/ip.h"
#include "net/resolver.h"
#include "upstream/breaker.h"
#include "upstream/coding_memory.h"
#include "upstream/ejection.h"
#include "upstream/options.h"
#include "upstream/server_history.h"
#include "upstream/server_state.h"

namespace rpx::tls {
class ClientContext;
}

namespace rpx::upstream {

/// Where a server's URL points.
struct ServerTarget {
  Address address;   ///< complete for literal addresses and Unix sockets
  std::string host;  ///< DNS name to resolve; empty when the address is literal
  /// "host:port" (port left out when it is the scheme's): Host with host = "server", and what hide_origin looks for
  std::string authority;
  std::string name;  ///< the host or address of the URL without brackets: what a certificate is held against
  bool tls = false;  ///< https
  bool tcp = false;  ///< tcp://host:port: what is spoken there is not ours to know
};

/// Reads "http://host[:port]", "https://host[:port]", "http://[v6]:port", "tcp://host:port" or "unix:/path". Errors:
/// kConfig.
Result<ServerTarget> parse_server_url(std::string_view url);

class Server {
 public:
  /// `tls` is for https servers, which need it.
  Server(std::string upstream, ServerOptions options, ServerTarget target, net::Resolver& resolver,
         std::shared_ptr<const tls::ClientContext> tls = nullptr);

  const std::string& upstream() const noexcept { return upstream_; }
  const std::string& url() const noexcept { return options_.url; }
  const ServerOptions& options() const noexcept { return options_; }
  const ServerTarget& target() const noexcept { return target_; }

  /// How TLS is spoken to it; null for a plain server.
  const std::shared_ptr<const tls::ClientContext>& tls() const noexcept { return tls_; }

  /// Addresses to try, and a number that changes when they do.
  std::vector<Address> addresses(std::string* error = nullptr) const;
  std::uint64_t version() const noexcept { return name_ ? name_->version() : 1; }
  bool is_literal() const noexcept { return !name_; }

  /// A cache line of its own: every worker writes it at every request.
  struct alignas(64) Counters {
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> failures{0};
    std::atomic<std::uint64_t> connects{0};
    std::atomic<std::int64_t> active{0};
    std::atomic<std::int64_t> idle{0};
    std::atomic<std::uint64_t> passed_to{0};  ///< bytes of connections that were passed on unread
    std::atomic<std::uint64_t> passed_from{0};
    std::atomic<std::int32_t> down_workers{0};  ///< workers that avoid it now
    balance::Latency latency;                   ///< of its replies; only where the policy minds it
    balance::TypicalLatency typical;            ///< likewise, where servers are ejected for theirs
  };
  Counters& counters() noexcept { return load_->counters; }
  /// Takes over all that is known of the same server under other options, what it has in progress included. Before
  /// anybody else knows of this one.
  void inherit(const Server& before);
  ServerState& state() noexcept { return state_; }
  const ServerState& state() const noexcept { return state_; }

  /// What requests have shown of it.
  Ejection& ejection() noexcept { return ejection_; }
  const Ejection& ejection() const noexcept { return ejection_; }

  Breaker& breaker() noexcept { return breaker_; }
  const Breaker& breaker() const noexcept { return breaker_; }

  /// What became of it. tell() adds a change of state there and publishes it.
  ServerHistory& history() noexcept { return history_; }
  const ServerHistory& history() const noexcept { return history_; }
  void tell(EventKind kind, std::string_view state, std::string_view why);

  /// What it makes of coded request bodies.
  CodingMemory& codings() noexcept { return codings_; }

  /// It takes max_connections requests at once and no more.
  bool is_limited() const noexcept { return options_.max_connections != 0; }
  bool is_full() const noexcept { return is_limited() && load_->taken.load() >= options_.max_connections; }
  /// Takes one of max_connections places; false when there is none. See Place.
  bool enter() noexcept {
    // Nobody may see a place taken that is not: who is turned away by that would wait, and nobody would wake him.
    for (std::uint32_t taken = load_->taken.load(); taken < options_.max_connections;)
      if (load_->taken.compare_exchange_weak(taken, taken + 1)) return true;
    return false;
  }
  void leave() noexcept { load_->taken.fetch_sub(1); }

  void set_last_failure(std::string text);
  std::string last_failure() const;

 private:
  const std::string upstream_;
  const ServerOptions options_;
  const ServerTarget target_;
  const std::shared_ptr<const tls::ClientContext> tls_;
  std::shared_ptr<net::Name> name_;
  struct Load {
    Counters counters;
    std::atomic<std::uint32_t> taken{0};  // of max_connections
  };
  std::shared_ptr<Load> load_ = std::make_shared<Load>();
  ServerState state_;
  Ejection ejection_;
  Breaker breaker_;
  ServerHistory history_;
  CodingMemory codings_;
  mutable std::mutex mutex_;
  std::string last_failure_;
};

}  // namespace rpx::upstream
