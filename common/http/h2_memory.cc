#include "http/h2_memory.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>

#include "rt/frame_pool.h"

namespace rpx::http {
namespace {

// Before each block: how long it is, which whoever gives it back does not say.
struct alignas(std::max_align_t) Label {
  std::size_t size;
};

void* allocate(std::size_t size, void*) {
  if (size > std::numeric_limits<std::size_t>::max() - sizeof(Label)) return nullptr;
  try {
    return new (rt::allocate_frame(sizeof(Label) + size)) Label{size} + 1;
  } catch (const std::bad_alloc&) {
    return nullptr;  // nghttp2 reports it as an error of its own
  }
}

void give_back(void* block, void*) {
  if (block == nullptr) return;
  Label* label = static_cast<Label*>(block) - 1;
  rt::free_frame(label, sizeof(Label) + label->size);
}

void* allocate_zeroed(std::size_t count, std::size_t size, void*) {
  if (size != 0 && count > std::numeric_limits<std::size_t>::max() / size) return nullptr;
  void* block = allocate(count * size, nullptr);
  if (block != nullptr) std::memset(block, 0, count * size);
  return block;
}

void* reallocate(void* block, std::size_t size, void*) {
  void* other = allocate(size, nullptr);
  if (other == nullptr || block == nullptr) return other;
  std::memcpy(other, block, std::min(size, (static_cast<Label*>(block) - 1)->size));
  give_back(block, nullptr);
  return other;
}

}  // namespace

nghttp2_mem* h2_memory() noexcept {
  static nghttp2_mem memory{nullptr, allocate, give_back, allocate_zeroed, reallocate};
  return &memory;
}

}  // namespace rpx::http
