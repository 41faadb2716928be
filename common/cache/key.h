// The primary key of a request (RFC 9111 section 2): made from a template, so that what must not make a difference
// does not. Compiled with the configuration; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cache/options.h"
#include "http/message.h"

namespace rpx::cache {

/// What a key is made of.
struct KeyParts {
  std::string_view scheme;
  std::string_view host;                   ///< lower case; with its port where that is not the scheme's own
  std::string_view path;                   ///< canonical
  std::string_view query;                  ///< with its '?', or empty
  const http::Headers* headers = nullptr;  ///< of the request; null = none
};

class KeyTemplate {
 public:
  /// {scheme} {host} {path} {query} {header:NAME} and text between. Errors: kConfig.
  static Result<KeyTemplate> compile(const CacheOptions& options);

  /// Writes the key of `parts` over `out`.
  void render(const KeyParts& parts, std::string& out) const;

 private:
  enum class What : std::uint8_t { kText, kScheme, kHost, kPath, kQuery, kHeader };
  struct Piece {
    What what;
    std::string text;
  };
  void append_query(std::string_view query, std::string& out) const;

  std::vector<Piece> pieces_;
  std::vector<std::string> ignored_;
};

/// Finds keys again: all its bits are mixed.
std::uint64_t key_hash(std::string_view key) noexcept;

/// The URL of `parts`, as people write it: what is listed, shown and purged.
std::string url_of(const KeyParts& parts);

}  // namespace rpx::cache
