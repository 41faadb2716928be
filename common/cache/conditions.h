// Conditional and range requests answered from a stored object (RFC 9110 sections 13 and 14). Pure, any thread.
#pragma once

#include <cstdint>
#include <string_view>

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
  enum class Kind : std::uint8_t { kWhole, kPart, kUnsatisfiable };
  Kind kind = Kind::kWhole;
  std::uint64_t first = 0;
  std::uint64_t size = 0;
};
/// One range of bytes; several, other units and what cannot be read are answered with the whole object, as RFC 9110
/// section 14.2 allows. If-Range that does not match strongly does the same.
Part part_of(const RequestFacts& request, const Validators& stored, std::uint64_t size) noexcept;

}  // namespace rpx::cache
