// Zstandard (RFC 8878). One thread each.
#include <zstd.h>

#include "codec/encoder.h"

namespace rpx::codec {
namespace {

// Far below the 8 MB that RFC 9659 lets receivers insist on.
constexpr int kZstdWindowLog = 18;
// The library's tables are made for large files: 2 to 14 MB a state from level 3 to 9. With these a state is 1.4 MB,
// pages of 20 to 100 KB come out 0.1 to 0.5 % longer, and quicker, since the tables stay in the CPU's caches.
constexpr int kTableLog = 16;
constexpr std::uint32_t kBoundedLevels = 9;  // above, who asked for it wants the shortest result
// Text of 10 to 100 KB comes out smaller than by gzip 6 for a quarter of its time when the first of many matches is
// taken; the library's own choice, to look for a better one a byte later, costs half as much again and saves 0.6 %. It
// also differs for bodies of known and of unknown length.
constexpr std::uint32_t kTunedLevel = 6;
constexpr int kSearchLog = 5;
constexpr int kMinMatch = 5;
constexpr std::size_t kZstdStep = 16 * 1024;

class ZstdEncoder final : public Encoder {
 public:
  explicit ZstdEncoder(std::uint32_t level) : context_(ZSTD_createCCtx()) {
    if (!context_) return;
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, static_cast<int>(level));
    ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, kZstdWindowLog);
    if (level >= 3 && level <= kBoundedLevels) {
      ZSTD_CCtx_setParameter(context_, ZSTD_c_hashLog, kTableLog);
      ZSTD_CCtx_setParameter(context_, ZSTD_c_chainLog, kTableLog);
    }
    if (level == kTunedLevel) {
      ZSTD_CCtx_setParameter(context_, ZSTD_c_strategy, ZSTD_greedy);
      ZSTD_CCtx_setParameter(context_, ZSTD_c_searchLog, kSearchLog);
      ZSTD_CCtx_setParameter(context_, ZSTD_c_minMatch, kMinMatch);
    }
  }
  ~ZstdEncoder() override { ZSTD_freeCCtx(context_); }
  ZstdEncoder(const ZstdEncoder&) = delete;
  ZstdEncoder& operator=(const ZstdEncoder&) = delete;

  bool encode(std::string_view data, Flush flush, std::string& out) override {
    if (!context_) return false;
    const ZSTD_EndDirective mode = flush == Flush::kEnd    ? ZSTD_e_end
                                   : flush == Flush::kSync ? ZSTD_e_flush
                                                           : ZSTD_e_continue;
    ZSTD_inBuffer in{data.data(), data.size(), 0};
    for (;;) {
      const std::size_t before = out.size();
      out.resize(before + kZstdStep);
      ZSTD_outBuffer room{out.data() + before, kZstdStep, 0};
      const std::size_t left = ZSTD_compressStream2(context_, &room, &in, mode);
      out.resize(before + room.pos);
      if (ZSTD_isError(left) != 0) return false;
      if (flush == Flush::kNone ? in.pos == in.size : left == 0) return true;
    }
  }

  bool reset() override {
    return context_ != nullptr && ZSTD_isError(ZSTD_CCtx_reset(context_, ZSTD_reset_session_only)) == 0;
  }

 private:
  ZSTD_CCtx* context_;
};

}  // namespace

std::unique_ptr<Encoder> make_zstd_encoder(std::uint32_t level) { return std::make_unique<ZstdEncoder>(level); }

}  // namespace rpx::codec
