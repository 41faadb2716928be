// Recycled: the memory of containers that are filled and emptied within one turn of a thread, handed from one to the
// next. What was used last is still in the processor's caches, while memory that each of a thousand exchanges has of
// its own is cold whenever one of them comes to use it. Any thread; each has its own store.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

namespace rpx {

/// `Container` is a std::string or std::vector; `MostBytes`: larger memory is freed and not kept.
template <class Container, std::size_t MostBytes>
class Recycled {
 public:
  /// Gives `bare`, which is empty and without memory, some where there is any.
  static void lend(Container& bare) noexcept {
    Store& mine = store();
    if (mine.count != 0) mine.kept[--mine.count].swap(bare);
  }
  /// Leaves `used` empty and without memory.
  static void give(Container& used) noexcept {
    Store& mine = store();
    if (!holds_memory(used) || mine.count == kMost ||
        used.capacity() * sizeof(typename Container::value_type) > MostBytes) {
      // An assignment of an empty string would leave it its memory.
      Container().swap(used);
      return;
    }
    used.clear();
    // What lies there holds no memory: it was moved from, or never used.
    mine.kept[mine.count++].swap(used);
  }
  /// Whether it has memory beside the object itself.
  static bool holds_memory(const Container& one) noexcept { return one.capacity() != Container().capacity(); }

 private:
  static constexpr std::size_t kMost = 8;
  struct Store {
    std::array<Container, kMost> kept;
    std::size_t count = 0;
  };
  static Store& store() noexcept {
    static thread_local Store instance;
    return instance;
  }
};

}  // namespace rpx
