// AcmeClient: obtains, renews and revokes certificates (RFC 8555, RFC 9773). Blocks; for tools and threads of their
// own, one thread at a time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pki/acme_json.h"
#include "pki/https.h"
#include "tls/openssl.h"

namespace rpx::pki {

struct AcmeOptions {
  std::string directory;  ///< "https://…"
  std::string ca;         ///< PEM bundle that is trusted too, for private servers; empty = none
  std::string email;      ///< of the account; empty = none
  bool agree_tos = false;
  std::string eab_kid;     ///< external account (RFC 8555 section 7.3.4); empty = none
  std::string eab_secret;  ///< its key, as bytes
  Instant deadline;        ///< for everything that is done
};

struct Challenge {
  std::string type;  ///< "http-01" or "tls-alpn-01"
  std::string name;
  std::string token;
  std::string key_authorization;
};

/// Proves that a name is ours.
class ChallengeSolver {
 public:
  virtual ~ChallengeSolver() = default;
  virtual std::string type() const = 0;
  /// From now on the challenge is answered, until end().
  virtual Status begin(const Challenge& challenge) = 0;
  /// Answers, and returns at `until`. Used for every wait.
  virtual void serve_until(Instant until) = 0;
  virtual void end() = 0;
};

class AcmeClient {
 public:
  /// `account` is borrowed and `solver` too. Reads the directory; the account of that key is found, or made, once it is
  /// needed. Errors: of ask_https(); kBadResponse with what the server says.
  static Result<AcmeClient> open(AcmeOptions options, EVP_PKEY* account, ChallengeSolver& solver);

  /// A certificate for `names` and `key`: the chain in PEM, the leaf first. `replaces`, which may be null, is the one
  /// it takes the place of (RFC 9773 section 5). Errors: as above; kUsage when terms or an external account are asked
  /// for and not given; kConfig when a name could not be proven, with why.
  Result<std::string> issue(const std::vector<std::string>& names, EVP_PKEY* key, X509* replaces = nullptr);
  /// `reason`: RFC 5280 section 5.3.1.
  Status revoke(X509* certificate, int reason);
  /// When the server wants `certificate` renewed; nothing where it does not say.
  Result<std::optional<RenewalWindow>> renewal_window(X509* certificate);
  /// How long the server has asked us to stay away when it refused something last; 0 = it has not.
  Duration asked_to_wait() const noexcept { return asked_to_wait_; }

 private:
  AcmeClient(AcmeOptions options, EVP_PKEY* account, ChallengeSolver& solver)
      : options_(std::move(options)), account_(account), solver_(&solver) {}
  Result<WebReply> send(const WebRequest& request);
  Result<WebReply> post(const std::string& url, const std::string& payload);
  Result<WebReply> post_once(const std::string& url, const std::string& payload);
  Result<std::string> take_nonce();
  Status enter();
  Result<WebReply> order(const std::vector<std::string>& names, X509* replaces);
  std::unexpected<Error> refuse(const WebReply& reply);
  Status prove(const std::string& authorization);
  Result<AcmeOrder> await_order(const std::string& url, std::string_view past);

  AcmeOptions options_;
  EVP_PKEY* account_;
  ChallengeSolver* solver_;
  AcmeDirectory directory_;
  std::string kid_;      // URL of the account
  std::string nonce_;    // for the next request
  std::string refusal_;  // type of the last one
  Duration asked_to_wait_{};
};

/// The name of `certificate` at a renewalInfo resource (RFC 9773 section 4.1); empty when it names no issuer key.
std::string renewal_id(X509* certificate);

}  // namespace rpx::pki
