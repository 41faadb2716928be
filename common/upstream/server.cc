#include "upstream/server.h"

#include "base/result.h"
#include "base/text.h"

namespace rpx::upstream {

Result<ServerTarget> parse_server_url(std::string_view url) {
  const auto bad = [url](std::string_view why) {
    return self_error(ErrorKind::kConfig, "server \"" + std::string(url) + "\": " + std::string(why));
  };
  ServerTarget out;
  if (url.starts_with("unix:")) {
    out.address.path = std::string(url.substr(5));
    out.authority = "localhost";
    if (out.address.path.empty()) return bad("a path must follow unix:");
    return out;
  }
  out.tls = url.starts_with("https://");
  out.tcp = url.starts_with("tcp://");
  if (!out.tls && !out.tcp && !url.starts_with("http://"))
    return bad("expected http://host:port, https://host:port, tcp://host:port or unix:/path");
  std::string_view rest = url.substr(url.find("//") + 2);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.empty() || rest.find_first_of("/?#@ ") != std::string_view::npos)
    return bad("expected a host, a port and no path");
  std::string_view host = rest;
  const std::uint64_t usual = out.tls ? 443 : out.tcp ? 0 : 80;
  std::uint64_t port = usual;
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos) {
    host = rest.substr(0, colon);
    const auto number = parse_uint(rest.substr(colon + 1));
    if (!number || *number == 0 || *number > 65535) return bad("the port must be 1 to 65535");
    port = *number;
  }
  if (port == 0) return bad("a tcp:// server has a port");
  out.address.port = static_cast<std::uint16_t>(port);
  out.authority = lower(port == usual ? host : rest);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  out.name = lower(host);
  if (const auto ip = IpAddress::parse(host))
    out.address.ip = *ip;
  else if (host.empty() || host.find(':') != std::string_view::npos)
    return bad("expected a host name or address");
  else
    out.host = lower(host);
  return out;
}

Server::Server(std::string upstream, ServerOptions options, ServerTarget target, net::Resolver& resolver,
               std::shared_ptr<const tls::ClientContext> tls)
    : upstream_(std::move(upstream)), options_(std::move(options)), target_(std::move(target)), tls_(std::move(tls)) {
  if (!target_.host.empty()) name_ = resolver.watch(target_.host);
  state_.set_weight(options_.weight);
}

void Server::inherit(const Server& before) {
  load_ = before.load_;
  state_.inherit(before.state_, before.options_.weight);
  ejection_.inherit(before.ejection_);
  breaker_.inherit(before.breaker_);
  history_.inherit(before.history_);
}

std::vector<Address> Server::addresses(std::string* error) const {
  if (!name_) return {target_.address};
  std::vector<Address> out;
  for (const IpAddress& ip : name_->addresses(error)) {
    Address address = target_.address;
    address.ip = ip;
    out.push_back(std::move(address));
  }
  return out;
}

void Server::tell(EventKind kind, std::string_view state, std::string_view why) {
  history_.note(ServerMoment{std::chrono::system_clock::now(), std::string(state), std::string(why)});
  publish(kind, {{"upstream", upstream_}, {"server", url()}, {"state", state}, {"why", why}});
}

void Server::set_last_failure(std::string text) {
  const std::scoped_lock lock(mutex_);
  last_failure_ = std::move(text);
}

std::string Server::last_failure() const {
  const std::scoped_lock lock(mutex_);
  return last_failure_;
}

}  // namespace rpx::upstream
