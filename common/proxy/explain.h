// What would happen to a request, step by step, and why: the walk of proxy/handle without a connection and without
// traces. Nothing is counted, stored or sent. Asked by the control API; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/ip.h"

namespace rpx::policy {
class BlockTable;
}

namespace rpx::proxy {

class Site;

struct ExplainQuestion {
  std::string method = "GET";
  std::string url;  ///< http or https, absolute
  std::vector<std::pair<std::string, std::string>> headers;
  IpAddress client;  ///< as it would be believed
};

struct ExplainStep {
  std::string step;     ///< "request", "blocklist", "route", "maintenance", "access", "limits", "cache", "server", …
  std::string outcome;  ///< "goes on", or "ends" for the last one
  std::string why;
};

struct Explanation {
  std::vector<ExplainStep> steps;
  int status = 0;        ///< of our own answer; 0 = the server's, the cache's, or the connection is closed
  std::string route;     ///< empty when there is none
  std::string upstream;  ///< empty when no server is asked
};

/// `blocks` may be null. Errors: kBadRequest for a question that is none.
Result<Explanation> explain(const Site& site, const policy::BlockTable* blocks, const ExplainQuestion& question);

}  // namespace rpx::proxy
