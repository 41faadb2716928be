// Challenges: what authorities are answered that ask whether a name is ours (RFC 8555 section 8, RFC 8737). Listeners
// of all workers look here, whoever proves a name puts it here: the proxy itself, and rpx-cert by the control API. One
// for the life of a proxy, shared by its sites. Any thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/published.h"
#include "base/units.h"
#include "tls/openssl.h"

namespace rpx::tls {

/// What RFC 8737 calls the protocol by which a name is proven.
inline constexpr std::string_view kAcmeProtocol = "acme-tls/1";
/// Where challenges over HTTP are asked for; the token follows.
inline constexpr std::string_view kChallengePath = "/.well-known/acme-challenge/";

struct ChallengeAnswer {
  std::string type;  ///< "http-01" or "tls-alpn-01"
  std::string name;  ///< what is to be proven, in lower case
  std::string token;
  std::string key_authorization;
};

/// Challenges of other proxies that prove the same names.
class ChallengeSource {
 public:
  virtual ~ChallengeSource() = default;
  /// The key authorization of the challenge with `token`; empty when there is none. May read a small file.
  virtual std::string find_http(std::string_view token) const = 0;
  /// What proves `name` over TLS; null when nothing does.
  virtual SslContextPtr find_tls(std::string_view name) const = 0;
};

class Challenges {
 public:
  /// So many may be open at once, and so long each is answered.
  static constexpr std::size_t kMost = 1000;
  static constexpr Duration kLife = std::chrono::hours(1);

  /// Where those are looked for that are not here; null = nowhere.
  void look_in(std::shared_ptr<const ChallengeSource> source) noexcept { source_.store(std::move(source)); }
  /// Answers it from now on; one with the same token is replaced. `context`, for tls-alpn-01, has the certificate that
  /// proves it. False when there are too many.
  bool add(ChallengeAnswer answer, SslContextPtr context, Instant now);
  /// False when there is none.
  bool remove(std::string_view token);
  /// The body of the reply to `path`; nothing when no challenge is open there.
  std::optional<std::string> find_http(std::string_view path, Instant now) const;
  /// A reference to the context that proves `name`; null when no challenge is open.
  SslContextPtr find_tls(std::string_view name, Instant now) const;
  std::vector<ChallengeAnswer> list(Instant now) const;

 private:
  struct Open {
    ChallengeAnswer answer;
    SslContextPtr context;
    Instant until;
  };
  mutable std::mutex mutex_;
  std::vector<Open> open_;
  std::atomic<std::size_t> count_{0};  // spares the lock while there is none
  Published<const ChallengeSource> source_;
};

}  // namespace rpx::tls
