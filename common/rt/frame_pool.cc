#include "rt/frame_pool.h"

#include <array>
#include <memory>
#include <new>
#include <vector>

namespace rpx::rt {
namespace {

// Under the address sanitizer every frame is its own heap block, so that a use after free is seen.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RPX_PLAIN_FRAMES 1
#endif
#endif

#ifndef RPX_PLAIN_FRAMES
constexpr std::size_t kStep = 16;
constexpr std::size_t kLargest = 4096;
constexpr std::size_t kSlab = 32 * 1024;

struct FreeFrame {
  FreeFrame* next;
};

struct Pool {
  std::array<FreeFrame*, kLargest / kStep + 1> free{};
  std::vector<std::unique_ptr<char[]>> slabs;
  char* next = nullptr;
  std::size_t room = 0;

  void* carve(std::size_t size) {
    if (room < size) {
      slabs.push_back(std::make_unique_for_overwrite<char[]>(kSlab));
      next = slabs.back().get();
      room = kSlab;
    }
    void* frame = next;
    next += size;
    room -= size;
    return frame;
  }
};

// Frames may outlive the thread's other objects by a little (a task destroyed while the thread ends),
// so the pool is made on first use and never destroyed before the thread is.
Pool& pool() {
  static thread_local Pool instance;
  return instance;
}
#endif

}  // namespace

#ifdef RPX_PLAIN_FRAMES
void* allocate_frame(std::size_t size) { return ::operator new(size); }
void free_frame(void* frame, std::size_t) noexcept { ::operator delete(frame); }
#else
void* allocate_frame(std::size_t size) {
  const std::size_t index = (size + kStep - 1) / kStep;
  if (index * kStep > kLargest) return ::operator new(size);
  Pool& mine = pool();
  if (FreeFrame* frame = mine.free[index]) {
    mine.free[index] = frame->next;
    return frame;
  }
  return mine.carve(index * kStep);
}

void free_frame(void* frame, std::size_t size) noexcept {
  const std::size_t index = (size + kStep - 1) / kStep;
  if (index * kStep > kLargest) {
    ::operator delete(frame);
    return;
  }
  auto* freed = static_cast<FreeFrame*>(frame);
  Pool& mine = pool();
  freed->next = mine.free[index];
  mine.free[index] = freed;
}
#endif

}  // namespace rpx::rt
