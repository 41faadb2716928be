// Brotli (RFC 7932). The library cannot reset a state, so that the memory of states is what is kept. One thread each.
#include <brotli/encode.h>

#include <cstdlib>
#include <new>
#include <vector>

#include "codec/encoder.h"

namespace rpx::codec {
namespace {

constexpr std::uint32_t kBrWindowLog = 18;
constexpr std::size_t kMostHeld = 8 * 1024 * 1024;

// Blocks of this thread that brotli has given back; states of one level ask for the same sizes again.
class Blocks {
 public:
  Blocks() = default;
  Blocks(const Blocks&) = delete;
  Blocks& operator=(const Blocks&) = delete;
  ~Blocks() {
    for (Head* block : kept_) std::free(block);
  }

  void* allocate(std::size_t size) {
    for (std::size_t i = kept_.size(); i-- > 0;) {
      if (kept_[i]->size != size) continue;
      Head* found = kept_[i];
      kept_[i] = kept_.back();
      kept_.pop_back();
      bytes_ -= size;
      return found + 1;
    }
    void* memory = std::malloc(sizeof(Head) + size);
    return memory == nullptr ? nullptr : new (memory) Head{size} + 1;
  }

  void free(void* memory) {
    if (memory == nullptr) return;
    Head* block = static_cast<Head*>(memory) - 1;
    if (bytes_ + block->size > kMostHeld) {
      std::free(block);
      return;
    }
    bytes_ += block->size;
    kept_.push_back(block);
  }

 private:
  struct alignas(16) Head {
    std::size_t size;
  };
  std::vector<Head*> kept_;
  std::size_t bytes_ = 0;
};

Blocks& blocks() {
  static thread_local Blocks kept;
  return kept;
}

class BrEncoder final : public Encoder {
 public:
  explicit BrEncoder(std::uint32_t level)
      : state_(BrotliEncoderCreateInstance([](void*, std::size_t size) { return blocks().allocate(size); },
                                           [](void*, void* memory) { blocks().free(memory); }, nullptr)) {
    if (!state_) return;
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, level);
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, kBrWindowLog);
  }
  ~BrEncoder() override {
    if (state_) BrotliEncoderDestroyInstance(state_);
  }
  BrEncoder(const BrEncoder&) = delete;
  BrEncoder& operator=(const BrEncoder&) = delete;

  bool encode(std::string_view data, Flush flush, std::string& out) override {
    if (!state_) return false;
    const BrotliEncoderOperation operation = flush == Flush::kEnd    ? BROTLI_OPERATION_FINISH
                                             : flush == Flush::kSync ? BROTLI_OPERATION_FLUSH
                                                                     : BROTLI_OPERATION_PROCESS;
    std::size_t in_left = data.size();
    const auto* in = reinterpret_cast<const std::uint8_t*>(data.data());
    for (;;) {
      // No room of ours: what comes out is taken from the state's own buffer.
      std::size_t room = 0;
      if (BrotliEncoderCompressStream(state_, operation, &in_left, &in, &room, nullptr, nullptr) == BROTLI_FALSE)
        return false;
      std::size_t size = 0;
      const std::uint8_t* made = BrotliEncoderTakeOutput(state_, &size);
      out.append(reinterpret_cast<const char*>(made), size);
      const bool more = BrotliEncoderHasMoreOutput(state_) == BROTLI_TRUE;
      if (in_left == 0 && !more && (flush != Flush::kEnd || BrotliEncoderIsFinished(state_) == BROTLI_TRUE))
        return true;
    }
  }

  bool reset() override { return false; }

 private:
  BrotliEncoderState* state_;
};

}  // namespace

std::unique_ptr<Encoder> make_br_encoder(std::uint32_t level) { return std::make_unique<BrEncoder>(level); }

}  // namespace rpx::codec
