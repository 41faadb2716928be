// How the clients of routes prove who they are, compiled with the site: what basic_auth, forward_auth and jwt of an
// [access.NAME] have become. Immutable but for what it watches; any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "policy/access.h"
#include "policy/basic_auth.h"
#include "policy/jwt_auth.h"
#include "proxy/site.h"

namespace rpx::proxy {

/// Fields of the question as it is made; the rules of its route turn them into X-Forwarded-Method and X-Forwarded-Uri,
/// which forwarding takes out of what clients send.
inline constexpr std::string_view kAskedMethod = "Rpx-Asked-Method";
inline constexpr std::string_view kAskedUri = "Rpx-Asked-Uri";

/// The way of a request of our own to the servers of an upstream.
struct InnerRoute {
  RouteOptions options;
  Route route;
  std::string path;
  std::string query;  ///< with its '?'
};

/// A server that is asked about requests, and the route by which it is.
struct ForwardAuth {
  const policy::ForwardAuthOptions* options;
  InnerRoute inner;
};

struct Authentication {
  std::string name;  ///< of the [access.NAME]
  std::shared_ptr<policy::BasicAuth> basic;
  std::unique_ptr<const ForwardAuth> forward;
  std::shared_ptr<policy::JwtAuth> jwt;
  std::unique_ptr<const InnerRoute> jwt_keys;  ///< where its keys are fetched; null where they are in a file
};

/// Compiles what `access` (which outlives it) asks of clients; null when that is nothing. Passwords and
/// keys that `previous` (may be null) has read are kept. Errors: kConfig.
Result<std::shared_ptr<const Authentication>> build_authentication(const policy::AccessOptions& access,
                                                                   const std::vector<Upstream>& upstreams,
                                                                   const Site* previous);

}  // namespace rpx::proxy
