// Writing a file so that it is there whole or not at all. Main thread.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace rpx::serve {

/// Writes `text` to a temporary file beside `path`, syncs it and renames it. Errors: kIo.
Status replace_file(const std::string& path, std::string_view text, unsigned mode = 0644);

}  // namespace rpx::serve
