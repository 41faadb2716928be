// Buffers of a worker. Connections own none while idle: they borrow one when bytes are there.
// One thread each (pools are per thread).
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

namespace rpx::net {

/// One large buffer a thread for bytes that are passed on at once: what was read into it must be used up or
/// copied before anything else may run (before the next co_await).
std::span<char> scratch() noexcept;
inline constexpr std::size_t kScratchBytes = 256 * 1024;

/// Bytes read from a peer and not used yet. Memory comes from a per-thread pool of 16 KiB blocks and goes back
/// when the buffer is released; larger ones come from the heap.
class InputBuffer {
 public:
  InputBuffer() = default;
  InputBuffer(const InputBuffer&) = delete;
  InputBuffer& operator=(const InputBuffer&) = delete;
  ~InputBuffer() { release(); }

  std::string_view view() const noexcept { return {data_ + begin_, end_ - begin_}; }
  std::span<char> bytes() noexcept { return {data_ + begin_, end_ - begin_}; }
  bool empty() const noexcept { return begin_ == end_; }
  std::size_t size() const noexcept { return end_ - begin_; }
  /// Room behind the content; at least 1 byte after reserve().
  std::span<char> room() noexcept { return {data_ + end_, capacity_ - end_}; }
  /// Makes room for `more` bytes. Views into the buffer stay valid only when nothing had to move: that is, while
  /// room() was large enough.
  void reserve(std::size_t more);
  /// `count` bytes of room() have been filled.
  void filled(std::size_t count) noexcept { end_ += count; }
  /// The first `count` bytes are used up. They stay where they are until reserve() or release().
  void consume(std::size_t count) noexcept { begin_ += count; }
  void append(std::string_view text);
  /// Gives the memory back; content is lost.
  void release() noexcept;
  bool holds_memory() const noexcept { return data_ != nullptr; }

  static constexpr std::size_t kBlock = 16 * 1024;

 private:
  char* data_ = nullptr;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace rpx::net
