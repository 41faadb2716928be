// What clients are served with: an SSL_CTX for each set of certificates, chosen by the name the client asks for.
// Immutable; built with a site, read by the handshakes of all workers, which keep it while their connections live.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/ip.h"
#include "tls/certificate.h"
#include "tls/challenges.h"
#include "tls/openssl.h"
#include "tls/options.h"
#include "tls/tickets.h"

namespace rpx::tls {

/// A certificate of the configuration and what came of it.
struct Holding {
  CertificateOptions files;
  FileMark cert;  ///< as it was just before it was read
  FileMark key;
  std::shared_ptr<const Certificate> certificate;  ///< never null
  std::string stale;  ///< why the files cannot be used, while what they held before is served; empty mostly
};

/// What the proxy obtains certificates for, and how it proves names.
struct Managed {
  std::vector<std::string> names = {};  ///< refused as long as no certificate has them, rather than given another's
  std::shared_ptr<const Challenges> challenges = {};  ///< null: none is answered
};

class ServerContexts {
 public:
  /// Reads every file. A certificate that cannot be used is logged; what the same files held in `previous` (may be
  /// null) is served in its place. Without that it is left out, and its names are refused unless another has them too.
  /// Ticket keys go on from `previous`. Errors: kConfig (ciphers, client_ca).
  static Result<std::shared_ptr<const ServerContexts>> build(const TlsOptions& options,
                                                             std::span<const CertificateOptions> certificates,
                                                             const ServerContexts* previous, Managed managed = {});
  ServerContexts(const ServerContexts&) = delete;
  ServerContexts& operator=(const ServerContexts&) = delete;

  /// A connection to be, in the role of the server; null without memory.
  SslPtr make() const;
  /// Certificates that could not be used, and those that can.
  std::size_t unusable() const noexcept { return unusable_; }
  std::size_t usable() const noexcept { return usable_; }
  const std::vector<Holding>& holdings() const noexcept { return holdings_; }
  TicketKeys& tickets() const noexcept { return *tickets_; }

 private:
  ServerContexts() = default;
  /// Indices of certificates, one for each kind of key at most.
  using Set = std::vector<std::size_t>;
  struct Loading;
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Names = std::unordered_map<std::string, SSL_CTX*, Hash, std::equal_to<>>;

  Status add_all(Loading& loading);
  Result<SSL_CTX*> context_for(Loading& loading, const Set& set);
  /// The context for a name in lower case; nothing when nobody has it, null when its certificate is disabled.
  std::optional<SSL_CTX*> find(std::string_view name) const;
  SSL_CTX* choose(SSL* ssl, const std::string& name, bool& refused) const;
  bool answer_challenge(SSL* ssl, const std::string& name) const;
  static int on_client_hello(SSL* ssl, int* alert, void* self);

  std::vector<Holding> holdings_;
  std::vector<SslContextPtr> contexts_;
  SSL_CTX* first_ = nullptr;
  Names exact_;
  Names wild_;  // by what follows the star: ".example.com"
  std::map<IpAddress, SSL_CTX*> addresses_;
  std::shared_ptr<TicketKeys> tickets_;
  Managed managed_;
  std::size_t usable_ = 0;
  std::size_t unusable_ = 0;
};

/// Sets versions and ciphers of `context`. Errors: kConfig.
Status apply_policy(SSL_CTX* context, const TlsOptions& options);

}  // namespace rpx::tls
