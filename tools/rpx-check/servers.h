// The servers of a running proxy as rpx-check shows and changes them. Asked over the control socket. Main thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "control/client.h"

namespace rpx::check {

struct ServerRow {
  std::string upstream;
  std::string url;
  std::string state;  ///< "up", "down", "ejected", "open", "drain", "maint"
  std::string why;
  std::string last_check;  ///< empty without one
  std::uint64_t weight = 1;
  std::uint64_t active = 0;
  bool checked = false;      ///< it has active checks
  bool healthy = true;       ///< by these
  std::uint64_t checks = 0;  ///< made so far
  std::uint64_t failed = 0;  ///< of these
};

/// All servers, of `upstream` alone when that is not empty. Errors: the client's; kUsage when there is no such
/// upstream.
Result<std::vector<ServerRow>> ask_servers(const control::Client& proxy, const std::string& upstream);

/// Between two looks at a proxy that has no way to call back.
inline constexpr std::chrono::milliseconds kLook{100};
void pause(Duration span = kLook);

/// Those of `rows` that `name` means: a whole URL, or what follows its "//". Errors: kUsage when there is none.
Result<std::vector<ServerRow>> find_servers(const std::vector<ServerRow>& rows, const std::string& name);

}  // namespace rpx::check
