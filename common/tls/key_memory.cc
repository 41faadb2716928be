#include "tls/key_memory.h"

#include <openssl/crypto.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>

namespace rpx::tls {
namespace {

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// Only a range of addresses until it is used; a key of RSA takes 10 KiB. What does not fit lies in ordinary memory.
constexpr std::size_t kRoom = std::size_t{1} << 28;
// Blocks are of sizes that are powers of two, from 1 << kSmallest on, each behind its header.
constexpr std::size_t kSmallest = 6;
constexpr std::size_t kLargest = 16;

struct alignas(16) Header {
  std::size_t size = 0;  // as asked for
  std::size_t order = 0;
  static Header& of(void* memory) noexcept { return *(static_cast<Header*>(memory) - 1); }
};

struct FreeBlock {
  FreeBlock* next = nullptr;
};

char* g_begin = nullptr;  // of the room; set before there are threads
__attribute__((tls_model("initial-exec"))) thread_local int t_scopes = 0;

class Room {
 public:
  void* allocate(std::size_t size) noexcept {
    const auto order = static_cast<std::size_t>(std::bit_width(size + sizeof(Header) - 1));
    if (order > kLargest) return nullptr;
    const std::size_t fits = std::max(order, kSmallest);
    const std::scoped_lock lock(mutex_);
    void* block = free_[fits];
    if (block != nullptr) {
      free_[fits] = free_[fits]->next;
    } else {
      if (kRoom - used_ < std::size_t{1} << fits) return nullptr;
      block = g_begin + used_;
      used_ += std::size_t{1} << fits;
    }
    return new (block) Header{size, fits} + 1;
  }
  void release(void* memory) noexcept {
    Header& header = Header::of(memory);
    const std::size_t order = header.order;
    OPENSSL_cleanse(&header, header.size + sizeof(Header));
    const std::scoped_lock lock(mutex_);
    free_[order] = new (&header) FreeBlock{free_[order]};
  }

 private:
  std::mutex mutex_;
  std::size_t used_ = 0;
  std::array<FreeBlock*, kLargest + 1> free_{};
};

Room& room() noexcept {
  // Never destroyed: OpenSSL cleans up after everybody else.
  alignas(Room) static std::byte place[sizeof(Room)];
  static auto& one = *new (place) Room;
  return one;
}

bool inside(const void* memory) noexcept {
  return reinterpret_cast<std::uintptr_t>(memory) - reinterpret_cast<std::uintptr_t>(g_begin) < kRoom;
}

void* allocate(std::size_t size, const char*, int) noexcept {
  if (size == 0) return nullptr;
  if (t_scopes != 0)
    if (void* memory = room().allocate(size)) return memory;
  return std::malloc(size);
}

void release(void* memory, const char*, int) noexcept {
  if (inside(memory))
    room().release(memory);
  else
    std::free(memory);
}

// What was guarded stays so.
void* resize(void* memory, std::size_t size, const char* file, int line) noexcept {
  if (memory == nullptr) return allocate(size, file, line);
  if (size == 0) {
    release(memory, file, line);
    return nullptr;
  }
  if (!inside(memory)) return std::realloc(memory, size);
  Header& header = Header::of(memory);
  if (size + sizeof(Header) <= std::size_t{1} << header.order && size >= header.size) {
    header.size = size;
    return memory;
  }
  const KeyScope scope;
  void* moved = allocate(size, file, line);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, memory, std::min(size, header.size));
  release(memory, file, line);
  return moved;
}

bool begin() noexcept {
  // A leak checker does not look into that room for what it points to.
  if (kSanitized) return false;
  void* memory = mmap(nullptr, kRoom, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  if (madvise(memory, kRoom, MADV_DONTDUMP) != 0 || CRYPTO_set_mem_functions(allocate, resize, release) != 1) {
    munmap(memory, kRoom);
    return false;
  }
  g_begin = static_cast<char*>(memory);
  return true;
}

}  // namespace

bool guard_keys() noexcept {
  static const bool kGuarded = begin();
  return kGuarded;
}

KeyScope::KeyScope() noexcept { t_scopes += g_begin == nullptr ? 0 : 1; }
KeyScope::~KeyScope() { t_scopes -= t_scopes == 0 ? 0 : 1; }

}  // namespace rpx::tls
