// StandaloneSolver: answers ACME challenges on a listener of its own, http-01 (RFC 8555 section 8.3) or tls-alpn-01
// (RFC 8737), for as long as it is asked to wait. Blocks; one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/listener.h"
#include "pki/acme.h"

namespace rpx::pki {

class StandaloneSolver final : public ChallengeSolver {
 public:
  /// `type` is "http-01" or "tls-alpn-01"; listens at once on `address`, as [[listen]] has it. Errors: kIo, with the
  /// address.
  static Result<std::unique_ptr<StandaloneSolver>> listen(std::string type, const std::string& address);

  std::string type() const override { return type_; }
  Status begin(const Challenge& challenge) override;
  void serve_until(Instant until) override;
  void end() override;
  /// Where it listens.
  std::string bound() const { return listener_.bound.to_string(); }

 private:
  StandaloneSolver() = default;
  void answer(int fd) const;
  void answer_http(int fd, Instant deadline) const;
  void answer_tls(int fd, Instant deadline) const;

  std::string type_;
  net::Listener listener_;
  std::optional<Challenge> challenge_;
  tls::SslContextPtr context_;  // of tls-alpn-01, while there is a challenge
};

/// What answers `challenge` over tls-alpn-01, with a key of its own. Errors: as make_proof.
Result<tls::SslContextPtr> proof_context(const Challenge& challenge);

/// The certificate that proves `challenge` over tls-alpn-01, signed by `key`. Errors: kInternal, kUsage.
Result<tls::X509Ptr> make_proof(const Challenge& challenge, EVP_PKEY* key);

}  // namespace rpx::pki
