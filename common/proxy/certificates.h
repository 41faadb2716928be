// Certificates: what TLS listeners serve with, and its change while a site is in use, when files change or somebody
// asks. Owned by the site; handshakes of all workers take what is current, the watcher and control threads replace it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/published.h"
#include "base/units.h"
#include "policy/watched.h"
#include "tls/server_context.h"

namespace rpx::proxy {

/// What the proxy obtains by itself: the names, how they are proven, and files that need not be there yet.
struct Obtained {
  tls::Managed managed = {};
  std::vector<tls::CertificateOptions> files = {};
};

class Certificates final : public policy::Watched {
 public:
  using Contexts = std::shared_ptr<const tls::ServerContexts>;
  /// Errors and `previous`: as tls::ServerContexts::build.
  static Result<std::shared_ptr<Certificates>> build(const tls::TlsOptions& options,
                                                     std::vector<tls::CertificateOptions> certificates,
                                                     const tls::ServerContexts* previous, Obtained obtained = {});

  /// Never null. A handshake keeps what it began with.
  Contexts current() const { return current_.load(); }
  /// Reads all files again; the next handshake is served with them. Errors: kConfig, for client_ca; then nothing
  /// changed.
  Status reload();
  /// The same once a file has changed, and has stayed as it is from one look to the next: a certificate and its key are
  /// two files, and neither may be half written.
  void look(Instant now) override;
  const tls::TlsOptions& options() const noexcept { return options_; }
  /// Times that files were taken up anew since this was built.
  std::uint64_t reloads() const noexcept { return reloads_.load(std::memory_order_relaxed); }

 private:
  Certificates(const tls::TlsOptions& options, std::vector<tls::CertificateOptions> certificates, Obtained obtained)
      : options_(options), certificates_(std::move(certificates)), obtained_(std::move(obtained)) {}
  Result<Contexts> load(const tls::ServerContexts* previous) const;
  using Marks = std::vector<tls::FileMark>;
  Marks marks_now() const;
  Marks marks_read() const;

  const tls::TlsOptions options_;
  const std::vector<tls::CertificateOptions> certificates_;
  const Obtained obtained_;
  Published<const tls::ServerContexts> current_;
  std::atomic<std::uint64_t> reloads_{0};
  std::mutex mutex_;    // one reload at a time
  Marks seen_;          // at the last look
  bool waits_ = false;  // they differed from what was read
};

/// A certificate, for whoever shows it.
struct CertificateView {
  std::string cert;  ///< absolute path
  std::string key;
  std::vector<std::string> names;
  std::string subject;
  std::string issuer;
  std::string key_type;  ///< "EC P-256"
  std::string fingerprint;
  WallTime from{};
  WallTime until{};
  bool served = false;
  std::string problem;  ///< why its files cannot be used; with `served`, what they held before is in use
  std::string warning;  ///< why clients will hardly like it
};

/// In the order of the configuration; none for null.
std::vector<CertificateView> view_certificates(const Certificates* certificates);
/// Prometheus text of when they end.
std::string write_certificate_metrics(const Certificates* certificates);

}  // namespace rpx::proxy
