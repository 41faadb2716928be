// A request of the proxy to itself, past its listeners, as a client would make it: for warming caches and for looking
// at what clients get. Blocks; for control threads.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "control/host.h"

namespace rpx::control {

/// A URL cut for a request.
struct Fetch {
  std::string url;
  std::string scheme;
  std::string authority;
  std::string target;
  std::string agent = "rpx-cache warm";
};

/// What came of it. The status is 0 where no reply came.
struct Fetched {
  int status = 0;
  std::uint64_t bytes = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;  ///< its first bytes, where they were asked for
  std::string why;
};

/// Errors: kBadRequest for what is no URL of http or https.
Result<Fetch> fetch_of(const std::string& url);
/// Keeps at most `keep` bytes of the body.
Fetched fetch_inside(Host& host, const Fetch& what, std::size_t keep = 0);

}  // namespace rpx::control
