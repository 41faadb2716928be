// How many descriptors there are, and when they grow short. The kernel gives out the lowest number that is free, so
// that a number says how many are in use. Any thread.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <limits>

namespace rpx::proxy {

/// The limit of the process, as it was when this was first asked.
inline int descriptor_limit() noexcept {
  static const int kLimit = [] {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::numeric_limits<int>::max();
    return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, std::numeric_limits<int>::max()));
  }();
  return kLimit;
}

/// More than half are in use: whoever holds some in vain is to be found out at once.
inline bool many_descriptors(int fd) noexcept { return fd > descriptor_limit() / 2; }
/// One in eight, 32 at least where there are enough, is kept back from clients: for connections to servers, checks of
/// them, and whoever asks for a status. A client's connection with a descriptor as high as this has one of these.
inline bool few_descriptors_left(int fd) noexcept {
  constexpr int kLeast = 32;
  const int all = descriptor_limit();
  return fd >= std::max(all / 2, all - std::max(kLeast, all / 8));
}

}  // namespace rpx::proxy
