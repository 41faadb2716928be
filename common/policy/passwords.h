// A file of names and hashed passwords, one `name:hash` a line, as htpasswd -B and mkpasswd make them. Read at once and
// never changed; any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.h"

namespace rpx::policy {

class Passwords {
 public:
  Passwords() = default;
  /// Hashes are bcrypt, yescrypt, sha512-crypt or sha256-crypt. Empty lines and those with a # are skipped. Errors:
  /// kConfig with the line: no colon, a name twice, a hash of another kind.
  static Result<Passwords> parse(std::string_view text);

  /// Whether `password` is that of `name`. Takes as long as the hash is dear, for unknown names too: not for a loop's
  /// thread.
  bool verify(std::string_view name, const std::string& password) const;
  std::size_t size() const noexcept { return hashes_.size(); }

 private:
  std::map<std::string, std::string, std::less<>> hashes_;
};

}  // namespace rpx::policy
