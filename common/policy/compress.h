// Which replies and request bodies are worth compressing, and what their fields say then. Compiled once per site; asked
// by proxy/encode and proxy/request_coding. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/units.h"
#include "http/coding.h"
#include "http/message.h"

namespace rpx::policy {

/// Levels of one [compress.NAME]: as each coding counts them.
struct CompressLevels {
  std::uint32_t gzip = 5;  ///< 1–9
  std::uint32_t br = 4;    ///< 1–11
  std::uint32_t zstd = 3;  ///< 1–19
  bool automatic = false;  ///< "auto": by how busy the thread is; the others count for nothing
  auto operator<=>(const CompressLevels&) const = default;
};

/// Request bodies towards the servers, of one [compress.NAME].
struct CompressRequestOptions {
  std::string encoding = "auto";  ///< gzip, br, zstd; auto = what a server says it takes (RFC 7694); off
  Size min_size = 4096;           ///< shorter bodies go as they are
  auto operator<=>(const CompressRequestOptions&) const = default;
};

/// One [compress.NAME].
struct CompressOptions {
  std::string name;
  std::vector<std::string> encodings{"zstd", "br", "gzip"};  ///< in order of preference
  CompressLevels level;
  Size min_size = 1024;  ///< shorter bodies go as they are
  std::vector<std::string> types{"text/*", "application/json", "application/javascript", "application/xml",
                                 "image/svg+xml"};
  CompressRequestOptions requests;
  bool decompress_requests = false;  ///< undo a client's Content-Encoding
  bool decompress_replies = false;   ///< undo a server's, for clients that do not accept it
  std::uint32_t max_ratio = 100;     ///< bytes out per byte in of what is decompressed; 0 = unlimited
  auto operator<=>(const CompressOptions&) const = default;
};

/// How busy the thread that codes is.
enum class Load : std::uint8_t { kLight, kBusy, kFull };

class CompressRule {
 public:
  explicit CompressRule(const CompressOptions& options);

  /// Whether a reply with this status and these fields may be sent in another coding at all, whatever the client
  /// accepts: it is of a type worth it, whole, plain, and nobody forbids it (no-transform, digests of the content).
  bool suits(std::uint16_t status, const http::Headers& request, const http::Headers& reply) const noexcept;
  /// The coding for this client; kIdentity = none.
  http::Coding choose(const http::Headers& request) const noexcept { return http::choose_coding(request, encodings_); }
  /// The level for bodies coded while their client waits.
  std::uint32_t level(http::Coding coding, Load load) const noexcept;
  /// Whether the load makes a difference.
  bool goes_by_load() const noexcept { return level_.automatic; }
  /// The level for bodies that are coded once, while nobody waits, and sent many times.
  static std::uint32_t patient_level(http::Coding coding) noexcept;

  /// Whether request bodies are looked at, at all.
  bool changes_requests() const noexcept { return requests_ || decompress_requests_; }
  /// Whether the body of this request may be sent on in another coding.
  bool suits_request(const http::RequestHead& request) const noexcept;
  /// The coding that is sent; kIdentity = that which the server says it takes, the first of encodings().
  http::Coding request_coding() const noexcept { return request_coding_; }
  std::uint64_t request_min_size() const noexcept { return request_min_size_; }
  std::span<const http::Coding> encodings() const noexcept { return encodings_; }
  bool decompress_requests() const noexcept { return decompress_requests_; }
  bool decompress_replies() const noexcept { return decompress_replies_; }
  std::uint32_t max_ratio() const noexcept { return max_ratio_; }
  std::uint64_t min_size() const noexcept { return min_size_; }

 private:
  bool takes_type(std::string_view content_type) const noexcept;

  std::vector<http::Coding> encodings_;
  CompressLevels level_;
  std::uint64_t min_size_;
  std::vector<std::string> types_;
  bool requests_ = false;
  http::Coding request_coding_ = http::Coding::kIdentity;
  std::uint64_t request_min_size_ = 0;
  bool decompress_requests_ = false;
  bool decompress_replies_ = false;
  std::uint32_t max_ratio_ = 0;
};

/// Has Vary name Accept-Encoding (RFC 9110 section 12.5.5).
void vary_by_encoding(http::Headers& reply, Arena& arena);
/// Makes a strong ETag weak: coded, the reply is another sequence of bytes (RFC 9110 section 8.8.1).
void weaken_etag(http::Headers& reply, Arena& arena);
/// Whether a 304 with these fields is about a weak tag that the request gave in If-None-Match.
bool confirms_weakly(const http::Headers& request, const http::Headers& reply) noexcept;
/// The fields of a reply in `coding`; what no longer holds goes. Vary is not touched.
void mark_encoded(http::Headers& reply, Arena& arena, http::Coding coding);

/// The fields of a reply whose coding was taken off. Vary is not touched.
void mark_decoded(http::Headers& reply, Arena& arena);
/// Whether Cache-Control forbids intermediaries to change the content (RFC 9111 sections 5.2.1.6 and 5.2.2.6).
bool forbids_transform(const http::Headers& headers) noexcept;

/// The codings that Content-Encoding names, in the order they were applied; identity is left out. Nothing when one is
/// unknown or when there are more than three.
std::optional<std::vector<http::Coding>> codings_of(const http::Headers& headers);

/// Whether a body that begins so is compressed already, as far as a look at a few KiB tells.
bool looks_dense(std::string_view sample) noexcept;

}  // namespace rpx::policy
