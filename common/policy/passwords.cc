#include "policy/passwords.h"

#include <crypt.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <memory>

#include <fmt/format.h>

#include "base/text.h"

namespace rpx::policy {
namespace {

// Of bcrypt's names $2x$ is that of a broken version.
constexpr std::array<std::string_view, 6> kSchemes{"$2a$", "$2b$", "$2y$", "$y$", "$6$", "$5$"};
constexpr std::size_t kMostPassword = 512;  // CRYPT_MAX_PASSPHRASE_SIZE

bool is_hash(std::string_view text) noexcept {
  if (!std::ranges::any_of(kSchemes, [text](std::string_view scheme) { return text.starts_with(scheme); }))
    return false;
  return text.size() >= 20 && std::ranges::none_of(text, [](char c) { return c <= ' ' || c == ':' || c == 0x7f; });
}

// Whether libcrypt makes `hash` of `password`.
bool matches(const std::string& password, const std::string& hash) {
  const auto data = std::make_unique<crypt_data>();
  const char* made = crypt_r(password.c_str(), hash.c_str(), data.get());
  const bool same =
      made && std::string_view(made).size() == hash.size() && CRYPTO_memcmp(made, hash.data(), hash.size()) == 0;
  OPENSSL_cleanse(data.get(), sizeof *data);
  return same;
}

}  // namespace

Result<Passwords> Passwords::parse(std::string_view text) {
  Passwords out;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = trim(line);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0)
      return self_error(ErrorKind::kConfig, fmt::format("line {}: expected name:hash", number));
    const std::string_view name = line.substr(0, colon);
    const std::string_view hash = trim(line.substr(colon + 1));
    if (!is_hash(hash))
      return self_error(ErrorKind::kConfig,
                        fmt::format("line {}: the hash of {} is not bcrypt, yescrypt or sha512-crypt, as `htpasswd -B` "
                                    "and `mkpasswd` make them",
                                    number, name));
    if (!out.hashes_.emplace(name, hash).second)
      return self_error(ErrorKind::kConfig, fmt::format("line {}: {} is there twice", number, name));
  }
  return out;
}

bool Passwords::verify(std::string_view name, const std::string& password) const {
  if (hashes_.empty() || password.size() > kMostPassword || password.find('\0') != std::string::npos) return false;
  const auto known = hashes_.find(name);
  // Who asks must not learn from the time it takes which names there are.
  const std::string& hash = known == hashes_.end() ? hashes_.begin()->second : known->second;
  return matches(password, hash) && known != hashes_.end();
}

}  // namespace rpx::policy
