// Files for their owner alone: keys, and what goes with them. Any thread; blocks.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace rpx::pki {

/// Replaces `path` at once: a temporary file beside it with mode 0600, synced, renamed, the folder synced. Errors: kIo;
/// what was there is then still there.
Status write_secret_file(const std::string& path, std::string_view text);

/// The contents of `path`, 1 MiB at most; a file that is not there is empty. Errors: kIo.
Result<std::string> read_secret_file(const std::string& path);

/// Overwrites `text` in memory, and makes it empty.
void wipe(std::string& text) noexcept;

}  // namespace rpx::pki
