// Where a redirecting route sends its clients. Built with the site, rendered per exchange. Immutable, any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/error.h"
#include "policy/options.h"
#include "policy/values.h"

namespace rpx::policy {

class Redirect {
 public:
  /// Compiles `options.to`: an absolute URL ("https://…", "{scheme}://…") or a path ("/…", "{path}"). Errors: kConfig
  /// for a status that is no redirect, a bad template, or a host that a client could choose: only {host} and
  /// {authority} may stand in the host's place.
  static Result<Redirect> compile(const RedirectOptions& options);

  std::uint16_t status() const noexcept { return status_; }
  /// The Location field value, in `arena`. The request's query is appended when `to` has no '?' of its own, before a
  /// '#'. What came from the client is percent-encoded as far as a URI needs it, and a path never starts with two
  /// slashes, so that it cannot name another host. Empty when `to` needs the host and the request named none (only
  /// HTTP/1.0 may): the answer is then 400.
  std::string_view location(Arena& arena, const Values& values) const;

 private:
  std::vector<TemplatePart> parts_;
  std::uint16_t status_ = 308;
  bool absolute_ = false;
};

}  // namespace rpx::policy
