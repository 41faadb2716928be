// Memory for coroutine frames: free lists by size class, one set a thread, last freed first used. A frame
// costs a few instructions and is hot in the cache. Frames are freed on the thread that made them, which
// holds because tasks never leave their worker.
#pragma once

#include <cstddef>

namespace rpx::rt {

/// At least `size` bytes, aligned for any type. Sizes over 4 KiB go to the heap.
void* allocate_frame(std::size_t size);
/// Gives back what allocate_frame(size) returned.
void free_frame(void* frame, std::size_t size) noexcept;

}  // namespace rpx::rt
