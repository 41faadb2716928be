#include "codec/decoder.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>

#include "base/check.h"

namespace rpx::codec {
namespace {

const unsigned char* unsigned_of(const char* text) { return reinterpret_cast<const unsigned char*>(text); }

class GzipDecoder final : public Decoder {
 public:
  GzipDecoder() {
    constexpr int kGzipWindow = 15 + 16;
    ready_ = inflateInit2(&stream_, kGzipWindow) == Z_OK;
  }
  ~GzipDecoder() override {
    if (ready_) inflateEnd(&stream_);
  }
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;

  Decoded decode(std::string_view& in, std::size_t room, std::string& out) override {
    if (!ready_) return Decoded::kCorrupt;
    const std::size_t before = out.size();
    out.resize(before + room);
    stream_.next_out = reinterpret_cast<unsigned char*>(out.data()) + before;
    stream_.avail_out = static_cast<unsigned>(room);
    const Decoded done = run(in);
    out.resize(out.size() - stream_.avail_out);
    return done;
  }

 private:
  Decoded run(std::string_view& in) {
    for (;;) {
      if (over_) {
        if (in.empty()) return Decoded::kEnd;
        if (inflateReset(&stream_) != Z_OK) return Decoded::kCorrupt;
        over_ = false;
      }
      // zlib does not write to its input.
      stream_.next_in = const_cast<unsigned char*>(unsigned_of(in.data()));
      stream_.avail_in = static_cast<unsigned>(in.size());
      const int done = inflate(&stream_, Z_NO_FLUSH);
      in.remove_prefix(in.size() - stream_.avail_in);
      over_ = done == Z_STREAM_END;
      if (over_) continue;
      if (done != Z_OK && done != Z_BUF_ERROR) return Decoded::kCorrupt;
      if (stream_.avail_out == 0) return Decoded::kFull;
      if (in.empty()) return Decoded::kHungry;
    }
  }

  z_stream stream_{};
  bool ready_ = false;
  bool over_ = false;
};

class BrDecoder final : public Decoder {
 public:
  BrDecoder() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {}
  ~BrDecoder() override { BrotliDecoderDestroyInstance(state_); }
  BrDecoder(const BrDecoder&) = delete;
  BrDecoder& operator=(const BrDecoder&) = delete;

  Decoded decode(std::string_view& in, std::size_t room, std::string& out) override {
    if (!state_) return Decoded::kCorrupt;
    // Nothing follows a brotli stream.
    if (over_) return in.empty() ? Decoded::kEnd : Decoded::kCorrupt;
    const std::size_t before = out.size();
    out.resize(before + room);
    auto* to = reinterpret_cast<std::uint8_t*>(out.data()) + before;
    std::size_t left = in.size();
    const std::uint8_t* from = unsigned_of(in.data());
    const BrotliDecoderResult done = BrotliDecoderDecompressStream(state_, &left, &from, &room, &to, nullptr);
    in.remove_prefix(in.size() - left);
    out.resize(out.size() - room);
    switch (done) {
      case BROTLI_DECODER_RESULT_SUCCESS: over_ = true; return in.empty() ? Decoded::kEnd : Decoded::kCorrupt;
      case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT: return Decoded::kHungry;
      case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: return Decoded::kFull;
      case BROTLI_DECODER_RESULT_ERROR: break;
    }
    return Decoded::kCorrupt;
  }

 private:
  BrotliDecoderState* state_;
  bool over_ = false;
};

class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder() : context_(ZSTD_createDCtx()) {
    constexpr int kMostWindowLog = 23;
    if (context_) ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kMostWindowLog);
  }
  ~ZstdDecoder() override { ZSTD_freeDCtx(context_); }
  ZstdDecoder(const ZstdDecoder&) = delete;
  ZstdDecoder& operator=(const ZstdDecoder&) = delete;

  Decoded decode(std::string_view& in, std::size_t room, std::string& out) override {
    if (!context_) return Decoded::kCorrupt;
    const std::size_t before = out.size();
    out.resize(before + room);
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out.data() + before, room, 0};
    Decoded done = Decoded::kHungry;
    for (;;) {
      const std::size_t left = ZSTD_decompressStream(context_, &to, &from);
      if (ZSTD_isError(left) != 0) {
        done = Decoded::kCorrupt;
      } else if (left != 0 && to.pos == to.size) {
        done = Decoded::kFull;
      } else if (from.pos < from.size) {
        continue;
      } else {
        done = left == 0 ? Decoded::kEnd : Decoded::kHungry;
      }
      break;
    }
    in.remove_prefix(from.pos);
    out.resize(before + to.pos);
    return done;
  }

 private:
  ZSTD_DCtx* context_;
};

}  // namespace

std::unique_ptr<Decoder> make_decoder(http::Coding coding) {
  switch (coding) {
    case http::Coding::kGzip: return std::make_unique<GzipDecoder>();
    case http::Coding::kBr: return std::make_unique<BrDecoder>();
    case http::Coding::kZstd: return std::make_unique<ZstdDecoder>();
    case http::Coding::kIdentity: break;
  }
  RPX_CHECK(coding != http::Coding::kIdentity);
  return nullptr;
}

}  // namespace rpx::codec
