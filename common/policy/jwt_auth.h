// jwt of [access.NAME]: who a client is by a signed token. Compiled with the site and kept over reloads; proxy/bearer
// asks it on workers' threads. Keys come from a file, which is watched, or from a URL, which a worker fetches when this
// says so. Any thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/error.h"
#include "policy/auth_options.h"
#include "policy/credential_memory.h"
#include "policy/json_web_keys.h"
#include "policy/jwt.h"
#include "policy/watched.h"

namespace rpx::policy {

class JwtAuth final : public Watched {
 public:
  /// Reads the file, if the keys are in one. Errors: kConfig with the file and what is wrong.
  static Result<std::shared_ptr<JwtAuth>> open(const JwtOptions& options);

  /// Judges a token, from memory where it was good lately. `now` and `wall` are the same moment.
  JwtVerdict judge(std::string_view token, Instant now, WallTime wall);

  /// Whether keys have been read or fetched yet.
  bool has_keys() const { return static_cast<bool>(snapshot()); }
  /// Whether they are to be fetched now: there are none, they are old, or (`unknown_key`) a token names one that they
  /// do not have. True for one caller at a time, who fetches and then says take_keys() or fail(); not before the wait
  /// after the fetch before is over.
  bool begin_fetch(Instant now, bool unknown_key);
  /// Somebody is fetching them.
  bool fetching() const noexcept { return fetching_.load(std::memory_order_acquire); }
  /// What was fetched; the same text as before changes nothing. Errors: kConfig, when it makes no keys; those that were
  /// there stay then, and fail() is to be said.
  Status take_keys(const std::string& text, Instant now);
  void fail(Instant now) noexcept;

  /// Reads the file again where it has changed.
  void look(Instant now) override;
  /// The same, for a reload: a file that is wrong is an error. True when it had changed.
  Result<bool> reread();

  const JwtOptions& options() const noexcept { return options_; }
  /// WWW-Authenticate of a refusal (RFC 6750 section 3). Without `error` when there was no token.
  std::string challenge(std::string_view error, std::string_view why) const;

 private:
  struct Snapshot {
    std::uint64_t generation = 0;
    JsonWebKeys keys;
  };
  explicit JwtAuth(const JwtOptions& options);
  void publish(JsonWebKeys keys);
  std::shared_ptr<const Snapshot> snapshot() const {
    const std::scoped_lock lock(mutex_);
    return snapshot_;
  }

  const JwtOptions options_;
  const std::string realm_;  ///< quoted
  CredentialMemory memory_;
  std::atomic<bool> fetching_{false};
  std::string taken_;         ///< what was fetched last and made keys; of who fetches alone
  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<const Snapshot> snapshot_;
  Instant fetched_ = Instant::min();  // with success
  Instant asked_ = Instant::min();    // the last fetch began
  WatchedFile file_;
};

}  // namespace rpx::policy
