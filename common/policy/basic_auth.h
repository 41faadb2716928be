// basic_auth of [access.NAME]: who a client is by name and password (RFC 7617). Compiled with the site and kept over
// reloads; proxy/authenticate asks it on workers' threads, and has passwords hashed elsewhere. Any thread.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "policy/auth_options.h"
#include "policy/credential_memory.h"
#include "policy/passwords.h"
#include "policy/watched.h"

namespace rpx::policy {

/// What a client says of itself.
struct Credentials {
  std::string user;
  std::string password;
};

/// Of the value of an Authorization field with the scheme Basic; nothing where it is none, or not rightly made.
std::optional<Credentials> basic_credentials(std::string_view authorization);

class BasicAuth final : public Watched {
 public:
  /// Reads the file. Errors: kConfig with the file and what is wrong.
  static Result<std::shared_ptr<BasicAuth>> open(const BasicAuthOptions& options);

  /// Whether `credentials` were verified lately against the passwords that hold now.
  bool remembers(const Credentials& credentials, Instant now) const;
  /// Hashes the password and remembers what is right. Takes long: not for a loop's thread.
  bool verify(const Credentials& credentials, Instant now);

  /// Reads the file again where it has changed.
  void look(Instant now) override;
  /// The same, for a reload: a file that is wrong is an error. True when it had changed.
  Result<bool> reread();

  const BasicAuthOptions& options() const noexcept { return options_; }
  /// WWW-Authenticate: `Basic realm="rpx", charset="UTF-8"`.
  const std::string& challenge() const noexcept { return challenge_; }

 private:
  explicit BasicAuth(const BasicAuthOptions& options);
  Status take(const std::string& text);
  struct Snapshot {
    std::uint64_t generation = 0;
    Passwords passwords;
  };
  CredentialMemory::Mark mark_of(const Snapshot& snapshot, const Credentials& credentials) const;

  const BasicAuthOptions options_;
  const std::string challenge_;
  CredentialMemory memory_;
  std::shared_ptr<const Snapshot> snapshot() const {
    const std::scoped_lock lock(snapshot_mutex_);
    return snapshot_;
  }
  mutable std::mutex snapshot_mutex_;
  std::shared_ptr<const Snapshot> snapshot_;  // under snapshot_mutex_
  WatchedFile file_;
};

}  // namespace rpx::policy
