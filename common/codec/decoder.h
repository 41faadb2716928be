// Decoders of content codings: streams of coded bytes in, streams of bytes out, never more at a time than asked for.
// Called by codec/decoding_source; one thread each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/coding.h"

namespace rpx::codec {

/// How a step of a decoder ended.
enum class Decoded : std::uint8_t {
  kHungry,   ///< all of the input is used up, and the body is not over
  kFull,     ///< as much came out as was asked for; there may be more
  kEnd,      ///< all of the input is used up, and the body may end here
  kCorrupt,  ///< what came in is not of this coding
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  /// Appends at most `room` (1 or more) bytes of what `in` holds to `out`, and takes from `in` what it used. gzip and
  /// zstd bodies may hold several members or frames (RFC 1952 section 2.2, RFC 8878 section 3.1).
  virtual Decoded decode(std::string_view& in, std::size_t room, std::string& out) = 0;
};

/// A decoder of `coding`, which is not kIdentity. Its memory is bounded: windows of up to 32 KiB for gzip, 16 MiB for
/// br (RFC 7932 section 9.1), 8 MiB for zstd (RFC 9659).
std::unique_ptr<Decoder> make_decoder(http::Coding coding);

}  // namespace rpx::codec
