// AcmeStore: what the proxy keeps of its dealings with a certificate authority, in a folder that several proxies may
// share:
//
//     account.key            of the account
//     certificates/NAME.pem  the chain, the leaf first, and its key: one file, so that they are replaced together
//     state/NAME             what was tried, and when the next thing is to be done
//     challenges/            what is answered at the moment, by whichever of the proxies is asked
//     lock                   held by the proxy that is at work
//
// Used by proxy/acme_keeper, one thread; blocks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/units.h"
#include "net/fd.h"
#include "tls/challenges.h"
#include "tls/openssl.h"
#include "tls/options.h"

namespace rpx::proxy {

/// What is remembered of one name.
struct AcmeRecord {
  std::string directory;       ///< of the authority that the certificate is from; empty = there is none
  std::uint32_t failures = 0;  ///< in a row
  std::string error;           ///< why the last attempt failed; empty = it did not
  WallTime tried{};            ///< when that was; the epoch stands for never, here and below
  WallTime next{};             ///< no attempt before
  WallTime renew{};            ///< when the certificate is to be renewed
  WallTime ask{};              ///< when the authority is to be asked for that again
  bool operator==(const AcmeRecord&) const = default;
};

/// A line for each value; and the other way round, where what is not understood is left out.
std::string format_acme_record(const AcmeRecord& record);
AcmeRecord parse_acme_record(std::string_view text);

class AcmeStore {
 public:
  explicit AcmeStore(std::string folder);

  /// Makes the folders. Errors: kIo.
  Status prepare() const;
  /// Work on the store belongs to whoever holds this; null when somebody else does. Errors: kIo.
  Result<net::UniqueFd> lock() const;
  /// The account's key; made when there is none. Errors: kIo, kConfig.
  Result<tls::KeyPtr> account_key() const;
  /// Where certificate and key of `name` are, or will be.
  tls::CertificateOptions files_of(const std::string& name) const;
  /// The same for one that has yet to prove itself.
  tls::CertificateOptions trial_files_of(const std::string& name) const;
  /// The trial takes the place of the certificate. Errors: kIo.
  Status accept_trial(const std::string& name) const;
  void drop_trial(const std::string& name) const;
  /// Answers that an authority may get from any of the proxies; `key` is a token for http-01, a name for tls-alpn-01.
  /// Errors: kIo.
  Status write_challenge(const std::string& type, const std::string& key, std::string_view key_authorization) const;
  void remove_challenge(const std::string& type, const std::string& key) const;
  /// Empty when there is none, or none of the last hour.
  std::string read_challenge(std::string_view type, std::string_view key) const;
  /// Errors: kIo.
  Result<AcmeRecord> read_record(const std::string& name) const;
  Status write_record(const std::string& name, const AcmeRecord& record) const;

 private:
  std::string folder_;  // without a slash at its end
};

/// The challenges of a store, for the listeners of a proxy. Any thread.
class StoredChallenges final : public tls::ChallengeSource {
 public:
  explicit StoredChallenges(AcmeStore store) : store_(std::move(store)) {}
  std::string find_http(std::string_view token) const override;
  tls::SslContextPtr find_tls(std::string_view name) const override;

 private:
  const AcmeStore store_;
};

}  // namespace rpx::proxy
