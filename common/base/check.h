// RPX_CHECK: preconditions, checked in release builds too. For the caller's bugs only, never for input.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace rpx {
/// Prints the broken precondition and aborts.
[[noreturn]] void fail_check(const char* expression, const char* file, int line) noexcept;
}  // namespace rpx

#define RPX_CHECK(expression) \
  (static_cast<bool>(expression) ? void(0) : ::rpx::fail_check(#expression, __FILE__, __LINE__))
