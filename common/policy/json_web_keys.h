// A set of keys that tokens are signed with (RFC 7517), and the check of a signature by one of them (RFC 7515, RFC
// 7518, RFC 8037). Each key verifies by the algorithms of its own kind alone, whatever a token says: an RSA key is
// never taken for the secret of an HMAC. Read at once and never changed; any thread.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace rpx::policy {

/// What signs: the row of a table in json_web_keys.cc.
struct JwtAlgorithm;
/// By the name in a token's header: "RS256" … "HS512"; null for one that is none of ours, such as "none".
const JwtAlgorithm* jwt_algorithm(std::string_view name) noexcept;

class JsonWebKeys {
 public:
  struct Key {
    std::string id;                  ///< empty: fits tokens with any
    std::string algorithm;           ///< the only one; empty = any of its kind
    std::string kind;                ///< "RSA", "P-256", "Ed25519", "oct"
    std::shared_ptr<EVP_PKEY> pkey;  ///< null for "oct"
    std::shared_ptr<const std::string> secret;
  };
  /// Where keys come from: a place that anybody can read holds no secrets, those in it are left out.
  enum class From : std::uint8_t { kFile, kUrl };
  /// `text` is a JWK set, or one JWK. Keys of unknown kinds and those for encryption are left out (RFC 7517 section 5);
  /// so are those of a URL that are too weak or wrongly made, as its others are to stay good. Errors: kConfig: no JSON,
  /// no usable key, too many of them, and in a file one that is too weak or wrongly made.
  static Result<JsonWebKeys> parse(const std::string& text, From from);

  /// Whether a key may have signed tokens with this id of their key; an empty id is any key's.
  bool knows(std::string_view id) const noexcept;
  /// Whether `signature` is that of `signed_text` by `algorithm` and a key that may have made tokens with `id`.
  bool verify(const JwtAlgorithm& algorithm, std::string_view id, std::string_view signed_text,
              std::string_view signature) const;
  std::size_t size() const noexcept { return keys_.size(); }
  /// What is wrong with the first key that was left out though it was meant for us, "key 2: …"; empty = none was.
  const std::string& complaint() const noexcept { return complaint_; }

 private:
  std::vector<Key> keys_;
  std::string complaint_;
};

}  // namespace rpx::policy
