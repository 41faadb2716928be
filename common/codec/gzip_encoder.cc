// gzip (RFC 1952) by the library that is best at each level: ISA-L where it is about speed, zlib where it is about
// size, libdeflate for bodies at hand whole. One thread each.
#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "codec/encoder.h"

namespace rpx::codec {
namespace {

// Room made at a time for what comes out.
constexpr std::size_t kGzipStep = 16 * 1024;

struct IgzipLevel {
  std::uint32_t level;
  std::uint32_t buffer;
};
// By gzip level less one.
constexpr std::array<IgzipLevel, 5> kIgzipLevels{{{1, ISAL_DEF_LVL1_DEFAULT},
                                                  {1, ISAL_DEF_LVL1_DEFAULT},
                                                  {2, ISAL_DEF_LVL2_DEFAULT},
                                                  {3, ISAL_DEF_LVL3_DEFAULT},
                                                  {3, ISAL_DEF_LVL3_DEFAULT}}};

// libdeflate's level by gzip level less one: where its bodies are about as long as zlib's at that level, which it
// reaches at a lower one and in a third of the time.
constexpr std::array<int, 9> kWholeLevels{1, 1, 1, 2, 3, 4, 6, 8, 9};

/// Grows `out` by kGzipStep and gives the new room.
unsigned char* grow(std::string& out) {
  const std::size_t size = out.size();
  out.resize(size + kGzipStep);
  return reinterpret_cast<unsigned char*>(out.data() + size);
}

// The libraries read their input through pointers that are not const.
unsigned char* bytes_of(std::string_view data) {
  return const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(data.data()));
}

class IgzipEncoder final : public Encoder {
 public:
  explicit IgzipEncoder(const IgzipLevel& level) : buffer_(level.buffer) {
    isal_deflate_init(&stream_);
    stream_.level = level.level;
    stream_.level_buf = buffer_.data();
    stream_.level_buf_size = level.buffer;
    stream_.gzip_flag = IGZIP_GZIP;
  }

  bool encode(std::string_view data, Flush flush, std::string& out) override {
    stream_.next_in = bytes_of(data);
    stream_.avail_in = static_cast<std::uint32_t>(data.size());
    stream_.flush = flush == Flush::kSync ? SYNC_FLUSH : NO_FLUSH;
    stream_.end_of_stream = flush == Flush::kEnd ? 1 : 0;
    for (;;) {
      stream_.next_out = grow(out);
      stream_.avail_out = kGzipStep;
      const int done = isal_deflate(&stream_);
      const std::uint32_t room = stream_.avail_out;
      out.resize(out.size() - room);
      if (done != COMP_OK) return false;
      if (flush == Flush::kEnd ? stream_.internal_state.state == ZSTATE_END : stream_.avail_in == 0 && room != 0)
        return true;
    }
  }

  bool reset() override {
    isal_deflate_reset(&stream_);
    stream_.gzip_flag = IGZIP_GZIP;
    return true;
  }

 private:
  std::vector<std::uint8_t> buffer_;
  isal_zstream stream_{};
};

class ZlibEncoder final : public Encoder {
 public:
  explicit ZlibEncoder(std::uint32_t level) {
    constexpr int kGzipWindow = 15 + 16;
    constexpr int kMemory = 8;
    ready_ =
        deflateInit2(&stream_, static_cast<int>(level), Z_DEFLATED, kGzipWindow, kMemory, Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~ZlibEncoder() override {
    if (ready_) deflateEnd(&stream_);
  }
  ZlibEncoder(const ZlibEncoder&) = delete;
  ZlibEncoder& operator=(const ZlibEncoder&) = delete;

  bool encode(std::string_view data, Flush flush, std::string& out) override {
    if (!ready_) return false;
    stream_.next_in = bytes_of(data);
    stream_.avail_in = static_cast<unsigned>(data.size());
    const int mode = flush == Flush::kEnd ? Z_FINISH : flush == Flush::kSync ? Z_SYNC_FLUSH : Z_NO_FLUSH;
    for (;;) {
      stream_.next_out = grow(out);
      stream_.avail_out = kGzipStep;
      const int done = deflate(&stream_, mode);
      const unsigned room = stream_.avail_out;
      out.resize(out.size() - room);
      if (done == Z_STREAM_END) return true;
      // No progress is possible: a flush of what was flushed before.
      if (done == Z_BUF_ERROR) return true;
      if (done != Z_OK) return false;
      if (flush != Flush::kEnd && room != 0) return true;
    }
  }

  bool reset() override { return ready_ && deflateReset(&stream_) == Z_OK; }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

struct FreeCompressor {
  void operator()(libdeflate_compressor* compressor) const noexcept { libdeflate_free_compressor(compressor); }
};
using Compressor = std::unique_ptr<libdeflate_compressor, FreeCompressor>;

/// gzip at levels about size. A body that ends before it is 256 KiB long and before a flush asks for what is held back
/// goes to libdeflate whole, which takes a third of zlib's time for about the same size; any other is zlib's.
class PatientEncoder final : public Encoder {
 public:
  explicit PatientEncoder(std::uint32_t level) : level_(level) {}

  bool encode(std::string_view data, Flush flush, std::string& out) override {
    if (streams_) return stream_->encode(data, flush, out);
    if (flush == Flush::kEnd && held_.empty()) return encode_whole_gzip(level_, data, out);
    if (flush == Flush::kNone && held_.size() + data.size() <= kMostHeld) {
      held_.append(data);
      return true;
    }
    if (flush == Flush::kEnd) {
      held_.append(data);
      return encode_whole_gzip(level_, held_, out);
    }
    // It is longer, or somebody waits for what has come so far.
    if (!stream_) stream_ = std::make_unique<ZlibEncoder>(level_);
    streams_ = true;
    const bool taken = stream_->encode(held_, Flush::kNone, out);
    held_.clear();
    return taken && stream_->encode(data, flush, out);
  }

  bool reset() override {
    held_.clear();
    const bool streamed = std::exchange(streams_, false);
    return !streamed || stream_->reset();
  }

 private:
  static constexpr std::size_t kMostHeld = 256 * 1024;

  std::uint32_t level_;
  bool streams_ = false;
  std::string held_;
  std::unique_ptr<ZlibEncoder> stream_;  // made when first wanted
};

}  // namespace

std::unique_ptr<Encoder> make_gzip_encoder(std::uint32_t level) {
  if (level <= kIgzipLevels.size()) return std::make_unique<IgzipEncoder>(kIgzipLevels[level - 1]);
  return std::make_unique<PatientEncoder>(level);
}

bool encode_whole_gzip(std::uint32_t level, std::string_view body, std::string& out) {
  static thread_local std::array<Compressor, kWholeLevels.size()> compressors;
  Compressor& compressor = compressors[level - 1];
  if (!compressor) compressor.reset(libdeflate_alloc_compressor(kWholeLevels[level - 1]));
  if (!compressor) return false;
  const std::size_t before = out.size();
  out.resize(before + libdeflate_gzip_compress_bound(compressor.get(), body.size()));
  const std::size_t made =
      libdeflate_gzip_compress(compressor.get(), body.data(), body.size(), out.data() + before, out.size() - before);
  out.resize(before + made);
  return made != 0;
}

}  // namespace rpx::codec
