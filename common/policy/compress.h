// Which replies are worth compressing, and what their fields say then. Compiled once per site; asked per reply by
// proxy/encode. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/units.h"
#include "http/coding.h"
#include "http/headers.h"

namespace rpx::policy {

/// Levels of one [compress.NAME]: as each coding counts them.
struct CompressLevels {
  std::uint32_t gzip = 5;  ///< 1–9
  std::uint32_t br = 4;    ///< 1–11
  std::uint32_t zstd = 3;  ///< 1–19
  auto operator<=>(const CompressLevels&) const = default;
};

/// One [compress.NAME].
struct CompressOptions {
  std::string name;
  std::vector<std::string> encodings{"zstd", "br", "gzip"};  ///< in order of preference
  CompressLevels level;
  Size min_size = 1024;  ///< shorter bodies go as they are
  std::vector<std::string> types{"text/*", "application/json", "application/javascript", "application/xml",
                                 "image/svg+xml"};
  auto operator<=>(const CompressOptions&) const = default;
};

class CompressRule {
 public:
  explicit CompressRule(const CompressOptions& options);

  /// Whether a reply with this status and these fields may be sent in another coding at all, whatever the client
  /// accepts: it is of a type worth it, whole, plain, and nobody forbids it (no-transform, digests of the content).
  bool suits(std::uint16_t status, const http::Headers& request, const http::Headers& reply) const noexcept;
  /// The coding for this client; kIdentity = none.
  http::Coding choose(const http::Headers& request) const noexcept { return http::choose_coding(request, encodings_); }
  std::uint32_t level(http::Coding coding) const noexcept;
  std::uint64_t min_size() const noexcept { return min_size_; }

 private:
  bool takes_type(std::string_view content_type) const noexcept;

  std::vector<http::Coding> encodings_;
  CompressLevels level_;
  std::uint64_t min_size_;
  std::vector<std::string> types_;
};

/// Has Vary name Accept-Encoding (RFC 9110 section 12.5.5).
void vary_by_encoding(http::Headers& reply, Arena& arena);
/// Makes a strong ETag weak: coded, the reply is another sequence of bytes (RFC 9110 section 8.8.1).
void weaken_etag(http::Headers& reply, Arena& arena);
/// The fields of a reply in `coding`; what no longer holds goes. Vary is not touched.
void mark_encoded(http::Headers& reply, Arena& arena, http::Coding coding);

/// Whether a body that begins so is compressed already, as far as a look at a few KiB tells.
bool looks_dense(std::string_view sample) noexcept;

}  // namespace rpx::policy
