#include "net/buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace rpx::net {
namespace {

constexpr std::size_t kKeptBlocks = 256;

struct BlockPool {
  std::vector<char*> free;
  BlockPool() { free.reserve(kKeptBlocks); }
  ~BlockPool() {
    for (char* block : free) delete[] block;
  }
};

BlockPool& pool() {
  static thread_local BlockPool instance;
  return instance;
}

char* take_block() {
  BlockPool& mine = pool();
  if (mine.free.empty()) return new char[InputBuffer::kBlock];
  char* block = mine.free.back();
  mine.free.pop_back();
  return block;
}

void give_block(char* block) noexcept {
  BlockPool& mine = pool();
  if (mine.free.size() < kKeptBlocks)
    mine.free.push_back(block);
  else
    delete[] block;
}

}  // namespace

std::span<char> scratch() noexcept {
  static thread_local std::unique_ptr<char[]> memory = std::make_unique_for_overwrite<char[]>(kScratchBytes);
  return {memory.get(), kScratchBytes};
}

void InputBuffer::reserve(std::size_t more) {
  if (!data_ && more <= kBlock) {
    data_ = take_block();
    capacity_ = kBlock;
    return;
  }
  if (capacity_ - end_ >= more) return;
  const std::size_t used = size();
  if (data_ && capacity_ - used >= more && begin_ >= capacity_ / 2) {
    std::memmove(data_, data_ + begin_, used);
    begin_ = 0;
    end_ = used;
    return;
  }
  const std::size_t capacity = std::max(capacity_ * 2, used + more);
  char* data = new char[capacity];
  if (used) std::memcpy(data, data_ + begin_, used);
  release();
  data_ = data;
  end_ = used;
  capacity_ = capacity;
}

void InputBuffer::append(std::string_view text) {
  if (text.empty()) return;
  reserve(text.size());
  std::memcpy(data_ + end_, text.data(), text.size());
  end_ += text.size();
}

void InputBuffer::release() noexcept {
  if (!data_) return;
  if (capacity_ == kBlock)
    give_block(data_);
  else
    delete[] data_;
  data_ = nullptr;
  begin_ = end_ = capacity_ = 0;
}

}  // namespace rpx::net
