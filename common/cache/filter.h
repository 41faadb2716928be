// Filter: which stored replies are meant, for purges and lists, and what of them went. Plain values; any thread.
#pragma once

#include <cstdint>
#include <string>

namespace rpx::cache {

/// Which entries are meant; empty members say nothing.
struct Filter {
  std::string url;
  std::string prefix;  ///< of the URL
  std::string host;
  std::string tag;
  std::string group;   ///< of cache groups, with `origin`
  std::string origin;  ///< scheme and host, what URLs begin with up to their path: "http://example.com"
  bool operator==(const Filter&) const = default;
};

/// How much a purge takes, or would take.
struct Taken {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  std::uint64_t hits = 0;
};

}  // namespace rpx::cache
