#include "codec/encoder.h"

#include <vector>

#include "base/check.h"

namespace rpx::codec {
namespace {

using http::Coding;

// Enough for the bodies that are under way at once on a usual worker; the rest are made and freed.
constexpr std::size_t kMostSpare = 8;
// From this level on gzip is about size: libdeflate takes a third of zlib's time for about the same.
constexpr std::uint32_t kWholeGzipLevel = 4;

struct Spare {
  Coding coding;
  std::uint32_t level;
  std::unique_ptr<Encoder> encoder;
};

std::vector<Spare>& spare() {
  static thread_local std::vector<Spare> kept;
  return kept;
}

std::unique_ptr<Encoder> make(Coding coding, std::uint32_t level) {
  switch (coding) {
    case Coding::kGzip: return make_gzip_encoder(level);
    case Coding::kBr: return make_br_encoder(level);
    case Coding::kZstd: return make_zstd_encoder(level);
    case Coding::kIdentity: break;
  }
  RPX_CHECK(coding != Coding::kIdentity);
  return nullptr;
}

std::unique_ptr<Encoder> take(Coding coding, std::uint32_t level) {
  std::vector<Spare>& kept = spare();
  for (std::size_t i = kept.size(); i-- > 0;) {
    if (kept[i].coding != coding || kept[i].level != level) continue;
    std::unique_ptr<Encoder> found = std::move(kept[i].encoder);
    kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(i));
    return found;
  }
  return make(coding, level);
}

}  // namespace

Levels levels_of(Coding coding) noexcept {
  switch (coding) {
    case Coding::kGzip: return {1, 9};
    case Coding::kBr: return {1, 11};
    case Coding::kZstd: return {1, 19};
    case Coding::kIdentity: break;
  }
  return {0, 0};
}

EncoderLease::EncoderLease(Coding coding, std::uint32_t level)
    : coding_(coding), level_(level), encoder_(take(coding, level)) {}

EncoderLease::~EncoderLease() {
  if (!encoder_ || !encoder_->reset()) return;
  std::vector<Spare>& kept = spare();
  // The one that has waited longest is of a level least in demand.
  if (kept.size() == kMostSpare) kept.erase(kept.begin());
  kept.push_back({coding_, level_, std::move(encoder_)});
}

bool encode_whole(Coding coding, std::uint32_t level, std::string_view body, std::string& out) {
  if (coding == Coding::kGzip && level >= kWholeGzipLevel) return encode_whole_gzip(level, body, out);
  EncoderLease encoder(coding, level);
  return encoder->encode(body, Flush::kEnd, out);
}

bool encode_once(Coding coding, std::uint32_t level, std::string_view body, std::string& out) {
  if (coding == Coding::kGzip && level >= kWholeGzipLevel) return encode_whole_gzip(level, body, out);
  return make(coding, level)->encode(body, Flush::kEnd, out);
}

}  // namespace rpx::codec
