// Conditional and range requests answered from a stored object (RFC 9110 sections 13 and 14). Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "cache/freshness.h"

namespace rpx::cache {

/// The validators of a stored object; empty where it has none.
struct Validators {
  std::string_view etag;
  std::string_view last_modified;
};

/// Whether the client has the stored object already: If-None-Match by weak comparison, or, without one,
/// If-Modified-Since (RFC 9110 sections 13.1.2, 13.1.3, 13.2.2).
bool is_not_modified(const RequestFacts& request, const Validators& stored) noexcept;

/// RFC 9110 section 8.8.3.2: the opaque parts are the same, weak or not.
bool weakly_equal(std::string_view a, std::string_view b) noexcept;

/// What of an object a Range field asks for.
struct Part {
  std::uint64_t first = 0;
  std::uint64_t size = 0;
};
struct Parts {
  enum class Kind : std::uint8_t { kWhole, kParts, kUnsatisfiable };
  Kind kind = Kind::kWhole;
  std::vector<Part> parts;  ///< in the order asked; kParts has one or more
};
/// Up to 16 ranges of bytes that do not overlap; more, other units and what cannot be read are answered with the whole
/// object, as RFC 9110 section 14.2 allows. If-Range that does not match strongly does the same.
Parts parts_of(const RequestFacts& request, const Validators& stored, std::uint64_t size);

/// RFC 9110 section 13.1.5, for what If-Range says: a strong entity tag, or a date that is the stored one.
bool range_holds(std::string_view if_range, const Validators& stored) noexcept;

/// Content-Range of one part: "bytes 0-4/10" (RFC 9110 section 14.4).
struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;  ///< below `total`
  std::uint64_t total = 0;
};
/// None for an unknown total, other units, and what cannot be right.
std::optional<ContentRange> parse_content_range(std::string_view value) noexcept;

/// A tag that tells bytes apart: not weak, not empty.
bool is_strong(std::string_view etag) noexcept;

}  // namespace rpx::cache
