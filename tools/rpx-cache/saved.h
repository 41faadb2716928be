// `explain` without a proxy: what the rules say of a request and a reply that were saved as text. Main thread.
#pragma once

#include <optional>
#include <string>

#include "cli/app.h"

namespace rpx::cache_tool {

struct SavedPair {
  std::string request;  ///< file of a request's head; empty = a GET without fields
  std::string reply;    ///< file of a reply's head, as curl -i writes it
  std::optional<Duration> after;
};

/// Prints the rules, one a line. The exit code: 0 when a request that long after would be answered from the store.
/// Errors: kIo, kUsage for what is no such message.
Result<int> explain_saved(const SavedPair& pair, const cli::Common& common);

}  // namespace rpx::cache_tool
