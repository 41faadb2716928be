#include "control/block_guard.h"

#include <fmt/format.h>

#include <string_view>

#include "policy/values.h"

namespace rpx::control {
namespace {

struct Ours {
  IpPrefix prefix;
  std::string_view whose;
};

// The address in "http://10.0.0.1:8080"; nothing where there is a name.
std::optional<IpPrefix> address_in(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::nullopt;
  const std::string_view authority = url.substr(scheme + 3, url.find('/', scheme + 3) - scheme - 3);
  std::string_view host = policy::host_of(authority);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return IpPrefix::parse(host);
}

std::vector<Ours> ours_of(const proxy::SiteOptions& options) {
  std::vector<Ours> out{{*IpPrefix::parse("127.0.0.0/8"), "this machine"}, {*IpPrefix::parse("::1"), "this machine"}};
  for (const proxy::ListenOptions& listener : options.listen)
    for (const auto* prefixes : {&listener.trusted_proxies, &listener.proxy_protocol})
      for (const IpPrefix& prefix : *prefixes) out.push_back({prefix, "a trusted proxy"});
  for (const upstream::UpstreamOptions& upstream : options.upstreams)
    for (const upstream::ServerOptions& server : upstream.servers)
      if (const auto address = address_in(server.url)) out.push_back({*address, "a server"});
  return out;
}

}  // namespace

std::string lockout(const proxy::SiteOptions& options, const std::vector<policy::BlockItem>& items) {
  const std::vector<Ours> ours = ours_of(options);
  for (const policy::BlockItem& item : items)
    for (const auto& [prefix, whose] : ours)
      if (item.prefix.contains(prefix.address) || prefix.contains(item.prefix.address))
        return fmt::format("{} has addresses of {}, {}: add \"force\": true to block it all the same",
                           item.prefix.to_string(), prefix.to_string(), whose);
  return {};
}

}  // namespace rpx::control
