// Encoders of content codings: streams of bytes in, streams of coded bytes out. States are large (0.1–3 MB), so that
// each thread keeps a few, reset, for the next body. Called by codec/encoding_sink and proxy/encode; one thread each.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/coding.h"

namespace rpx::codec {

/// What happens to what an encoder still holds back.
enum class Flush : std::uint8_t {
  kNone,  ///< it may keep as much as it likes
  kSync,  ///< all that went in can be decoded from what came out
  kEnd,   ///< the body is over; nothing follows
};

class Encoder {
 public:
  virtual ~Encoder() = default;
  Encoder() = default;
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
  /// Appends what becomes of `data` to `out`. False when the library fails, which is for want of memory.
  virtual bool encode(std::string_view data, Flush flush, std::string& out) = 0;
  /// Makes it ready for another body; false when it is good for one only.
  virtual bool reset() = 0;
};

/// Levels that codings take: {least, most}.
struct Levels {
  std::uint32_t least;
  std::uint32_t most;
};
Levels levels_of(http::Coding coding) noexcept;

/// An encoder on loan from this thread's store; goes back there when destroyed, on the same thread.
class EncoderLease {
 public:
  EncoderLease(http::Coding coding, std::uint32_t level);
  ~EncoderLease();
  EncoderLease(const EncoderLease&) = delete;
  EncoderLease& operator=(const EncoderLease&) = delete;
  Encoder* operator->() noexcept { return encoder_.get(); }

 private:
  http::Coding coding_;
  std::uint32_t level_;
  std::unique_ptr<Encoder> encoder_;
};

/// Appends the coded form of a whole body to `out`: as EncoderLease would, or better where the library can make use of
/// seeing all of it. False when the library fails; `out` is then to be thrown away.
bool encode_whole(http::Coding coding, std::uint32_t level, std::string_view body, std::string& out);

/// As encode_whole(), for a thread that does it rarely: no state is kept for the next body.
bool encode_once(http::Coding coding, std::uint32_t level, std::string_view body, std::string& out);

// What encoder.cc makes encoders of.
std::unique_ptr<Encoder> make_gzip_encoder(std::uint32_t level);
std::unique_ptr<Encoder> make_br_encoder(std::uint32_t level);
std::unique_ptr<Encoder> make_zstd_encoder(std::uint32_t level);
/// gzip by libdeflate, which needs the whole body; levels 1–9, as zlib counts them.
bool encode_whole_gzip(std::uint32_t level, std::string_view body, std::string& out);

}  // namespace rpx::codec
