#include "proxy/authentication.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"

namespace rpx::proxy {
namespace {

const Authentication* same_of(const Site* previous, const std::string& name) {
  if (!previous) return nullptr;
  for (const auto& one : previous->authentications())
    if (one && one->name == name) return one.get();
  return nullptr;
}

Result<std::shared_ptr<policy::BasicAuth>> basic_for(const policy::BasicAuthOptions& options,
                                                     const Authentication* before) {
  if (before && before->basic && before->basic->options() == options) {
    RPX_TRY_VOID(before->basic->reread());
    return before->basic;
  }
  return policy::BasicAuth::open(options);
}

Result<std::shared_ptr<policy::JwtAuth>> jwt_for(const policy::JwtOptions& options, const Authentication* before) {
  if (before && before->jwt && before->jwt->options() == options) {
    RPX_TRY_VOID(before->jwt->reread());
    return before->jwt;
  }
  return policy::JwtAuth::open(options);
}

// In place, since a route knows its options by their address.
Status fill_inner(InnerRoute& out, std::string_view what, const std::string& url, const std::string& upstream_name,
                  Duration timeout, const std::vector<Upstream>& upstreams) {
  const std::string name = policy::auth_upstream_of(url, upstream_name);
  const auto upstream =
      std::ranges::find_if(upstreams, [&name](const Upstream& one) { return one.options->name == name; });
  if (upstream == upstreams.end())
    return self_error(ErrorKind::kConfig, fmt::format("{}: there is no upstream \"{}\"", what, name));
  out.options.name = what;
  out.options.upstream = name;
  out.options.timeout = {timeout, timeout};
  out.route.options = &out.options;
  out.route.upstream = static_cast<int>(upstream - upstreams.begin());
  const std::string target = policy::auth_path_of(url);
  const std::size_t mark = std::min(target.find('?'), target.size());
  out.path = target.substr(0, mark);
  out.query = target.substr(mark);
  return {};
}

Result<std::unique_ptr<const ForwardAuth>> forward_for(const policy::ForwardAuthOptions& options,
                                                       const std::vector<Upstream>& upstreams) {
  auto out = std::make_unique<ForwardAuth>();
  out->options = &options;
  RPX_TRY_VOID(fill_inner(out->inner, "forward_auth", options.url, options.upstream, options.timeout, upstreams));
  const policy::HeaderRuleOptions rules{.set = {{"X-Forwarded-Method", fmt::format("{{header:{}}}", kAskedMethod)},
                                                {"X-Forwarded-Uri", fmt::format("{{header:{}}}", kAskedUri)}},
                                        .add = {},
                                        .remove = {std::string(kAskedMethod), std::string(kAskedUri)}};
  RPX_TRY(out->inner.route.request_rules, policy::HeaderRules::compile(rules, policy::TemplateUse::kRequest));
  return out;
}

}  // namespace

Result<std::shared_ptr<const Authentication>> build_authentication(const policy::AccessOptions& access,
                                                                   const std::vector<Upstream>& upstreams,
                                                                   const Site* previous) {
  if (!access.basic_auth && !access.forward_auth && !access.jwt) return std::shared_ptr<const Authentication>();
  const Authentication* before = same_of(previous, access.name);
  auto out = std::make_shared<Authentication>();
  out->name = access.name;
  if (access.basic_auth) {
    RPX_TRY(out->basic, basic_for(*access.basic_auth, before));
  }
  if (access.forward_auth) {
    RPX_TRY(out->forward, forward_for(*access.forward_auth, upstreams));
  }
  if (access.jwt) {
    const policy::JwtOptions& options = *access.jwt;
    RPX_TRY(out->jwt, jwt_for(options, before));
    if (!options.url.empty()) {
      auto keys = std::make_unique<InnerRoute>();
      RPX_TRY_VOID(fill_inner(*keys, "jwt", options.url, options.upstream, options.timeout, upstreams));
      out->jwt_keys = std::move(keys);
    }
  }
  return out;
}

}  // namespace rpx::proxy
