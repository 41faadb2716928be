// Host, path, method and headers to a route. Pure; immutable once built, so any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "http/message.h"
#include "proxy/options.h"

namespace rpx::proxy {

/// A route that can never be reached, because `by` matches everything it would, first.
struct Shadowed {
  std::size_t route;  ///< index into the options given to build
  std::size_t by;
};

/// Checks a `path` value: exact "/a", prefix "/a/*" (which is "/a" too), or "~ RE2", found anywhere in the path unless
/// anchored. The error's detail says what is wrong with it.
Status check_path_pattern(std::string_view pattern);
/// Checks a `host` value: a name, "*.name" (whatever is below it, however deep), an IP address, "[v6]"; no port. Case
/// is folded by the router.
Status check_host_pattern(std::string_view pattern);

class Router {
 public:
  /// Compiles `routes`. Among the routes that match, the most specific wins: exact host before wildcard (longer first)
  /// before any; then exact path before regex before longer prefix before shorter; then more conditions on method and
  /// headers; then the order of the file. A route for GET takes HEAD too. Errors: kConfig naming route, file and line.
  static Result<std::unique_ptr<const Router>> build(const std::vector<RouteOptions>& routes);
  ~Router();

  /// Index of the route for `head`, or -1.
  int match(const http::RequestHead& head) const { return match(head, head.target.path); }
  /// The same, as if `head` had asked for `path`. When Target::lax_path differs from the path and leads to another
  /// route, the request means one thing to us and may mean another to the origin: it has to be refused.
  int match(const http::RequestHead& head, std::string_view path) const;
  /// Whether some route would match `head` with another method: the answer is then 405, and these are the methods it
  /// may have.
  std::vector<std::string> allowed_methods(const http::RequestHead& head) const;
  /// Routes that can never be reached.
  std::vector<Shadowed> shadowed() const;

 private:
  struct Table;
  explicit Router(std::unique_ptr<Table> table);
  std::unique_ptr<Table> table_;
};

}  // namespace rpx::proxy
