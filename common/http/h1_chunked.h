// The chunked transfer coding (RFC 9112 section 7.1), read strictly. One thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/error.h"
#include "http/headers.h"
#include "http/limits.h"

namespace rpx::http {

/// Decodes a chunked body piece by piece. Chunk extensions are dropped, and bounded: more than 16 KiB of
/// them in one body, or more than 4 KiB in one chunk, is refused.
/// RFC 9110 section 6.5.1: what a recipient would have needed before the body must not come after it.
bool may_trail(const Field& field) noexcept;

class ChunkedDecoder {
 public:
  struct Step {
    std::size_t consumed = 0;  ///< bytes of the input used up
    std::size_t produced = 0;  ///< payload bytes, now at the start of the input
    bool done = false;         ///< the last chunk and the trailer section were read; what follows is not ours
  };

  explicit ChunkedDecoder(Side side) noexcept : side_(side) {}

  /// Decodes what it can of `buffer` in place: payload is moved to the front. Everything is consumed unless
  /// `done`. Errors: kBadRequest or kBadResponse by side, kHeaderTooLarge or kResponseTooLarge for trailers.
  Result<Step> decode(std::span<char> buffer, const Limits& limits);

  /// Fields of the trailer section, valid once done and until this object moves or ends. Framing, routing, credential
  /// and hop-by-hop fields (RFC 9110 section 6.5.1) have been dropped.
  const Headers& trailers() const noexcept { return trailers_; }

 private:
  enum class State : std::uint8_t {
    kSizeStart,
    kSize,
    kSizeSpace,
    kExtensionStart,
    kExtensionName,
    kAfterName,
    kValueStart,
    kValue,
    kQuoted,
    kQuotedPair,
    kAfterQuoted,
    kAfterValue,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailer
  };

  const char* read_line_byte(char c) noexcept;
  const char* read_size_byte(char c) noexcept;
  const char* read_extension_byte(char c) noexcept;
  Result<std::size_t> read_trailers(std::string_view bytes, const Limits& limits);

  State state_ = State::kSizeStart;
  Side side_;
  std::uint8_t digits_ = 0;
  std::uint32_t chunk_extension_ = 0;
  std::uint32_t all_extensions_ = 0;
  std::uint64_t left_ = 0;
  std::string trailer_bytes_;
  Headers trailers_;
};

}  // namespace rpx::http
