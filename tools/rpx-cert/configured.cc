#include "configured.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/result.h"
#include "base/text.h"
#include "pki/served.h"
#include "proxy/acme_store.h"
#include "rpx-serve/ask.h"
#include "rpx-serve/source.h"
#include "tls/certificate.h"

namespace rpx::cert {
namespace {

// An address as a client on this machine would use it; empty for sockets and ports that nobody knows beforehand.
std::string reachable(std::string address) {
  if (address.starts_with("unix:") || address.starts_with("fd:") || address.ends_with(":0")) return {};
  if (address.starts_with(':')) return "127.0.0.1" + address;
  if (address.starts_with("0.0.0.0:")) return "127.0.0.1" + address.substr(7);
  if (address.starts_with("[::]:")) return "[::1]" + address.substr(4);
  return address;
}

bool covers(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return iequals(pattern, host);
  const std::size_t dot = host.find('.');
  return dot != 0 && dot != std::string_view::npos && iequals(pattern.substr(1), host.substr(dot));
}

bool is_covered(const std::vector<Configured>& certificates, std::string_view host) {
  return std::ranges::any_of(certificates, [host](const Configured& one) {
    return std::ranges::any_of(one.names, [host](const std::string& name) { return covers(name, host); });
  });
}

Configured configured(const tls::CertificateOptions& options) {
  tls::Certificate loaded = tls::load_certificate(options, std::chrono::system_clock::now());
  Configured out{.cert = options.cert, .key = options.key, .problem = std::move(loaded.problem)};
  if (!out.problem.empty()) return out;
  out.chain = std::move(loaded.chain);
  out.names = std::move(loaded.names);
  for (const IpAddress& address : loaded.addresses) out.names.push_back(address.to_string());
  out.fingerprint = std::move(loaded.fingerprint);
  return out;
}

// One that the proxy obtains by itself.
Configured obtained(const tls::CertificateOptions& files, const std::string& host) {
  std::error_code ignored;
  if (std::filesystem::exists(files.cert, ignored)) return configured(files);
  return {.cert = files.cert, .key = files.key, .problem = fmt::format("for {} none has been obtained yet", host)};
}

// Where the running proxy really listens; nothing when there is none.
std::optional<std::vector<std::string>> ask_listeners(const cli::Common& common) {
  const auto proxy = serve::find_proxy(common);
  const auto answer = proxy ? serve::ask(*proxy, "GET", "/v1/status") : std::unexpected(proxy.error());
  const auto status = answer ? serve::parse_object(*answer) : std::unexpected(answer.error());
  if (!status) return std::nullopt;
  std::vector<std::string> out;
  const auto listeners = (*status)->getArray("listeners");
  for (std::size_t i = 0; !listeners.isNull() && i < listeners->size(); ++i) {
    const auto listener = listeners->getObject(static_cast<unsigned>(i));
    std::string address = reachable(serve::text_of(*listener, "address"));
    if (serve::text_of(*listener, "tls") == "true" && !address.empty()) out.push_back(std::move(address));
  }
  return out;
}

}  // namespace

Result<ConfiguredSite> read_configured(const cli::Common& common) {
  RPX_TRY(const serve::Source source, serve::Source::from_file(common, {}));
  auto loaded = source.load();
  if (!loaded) {
    serve::print_problems(loaded.error());
    return self_error(ErrorKind::kConfig, fmt::format("{} cannot be used", source.file()));
  }
  const proxy::SiteOptions& options = loaded->options;
  ConfiguredSite out{.file = source.file()};
  std::vector<std::string> listeners;
  bool has_tls = false;
  for (const proxy::ListenOptions& listen : options.listen) {
    has_tls |= listen.tls;
    if (std::string address = reachable(listen.address); listen.tls && !address.empty())
      listeners.push_back(std::move(address));
  }
  if (auto running = ask_listeners(common)) listeners = std::move(*running);
  for (const tls::CertificateOptions& one : options.certificates) {
    out.certificates.push_back(configured(one));
    out.certificates.back().listeners = listeners;
  }
  for (const std::string& host : options.acme.hosts) {
    Configured one = obtained(proxy::AcmeStore(options.acme.store).files_of(host), host);
    one.listeners = listeners;
    out.certificates.push_back(std::move(one));
  }
  if (!has_tls) return out;
  for (const proxy::RouteOptions& route : options.routes)
    for (const std::string& host : route.host)
      if (!is_covered(out.certificates, host) && std::ranges::find(out.hosts_without, host) == out.hosts_without.end())
        out.hosts_without.push_back(host);
  return out;
}

std::vector<std::string> served_otherwise(const Configured& one, Duration timeout) {
  std::vector<std::string> out;
  for (const std::string& listener : one.listeners) {
    const auto endpoint = pki::parse_endpoint(listener);
    if (!endpoint || one.names.empty()) continue;
    std::string name = one.names.front();
    if (name.starts_with("*.")) name = "any" + name.substr(1);
    const auto served = pki::fetch_served(*endpoint, name, timeout);
    if (!served) {
      if (served.error().kind != ErrorKind::kConnectRefused)
        out.push_back(fmt::format("{} does not serve it: {}", listener, served.error().detail));
      continue;
    }
    const std::string seen = tls::fingerprint_of(served->chain.front().get());
    // ECDSA and RSA may stand side by side for one name: then another of the same names is as good.
    if (seen != one.fingerprint)
      out.push_back(fmt::format("{} serves another certificate for {} ({}…); was it changed without a reload?",
                                listener, name, seen.substr(0, 16)));
  }
  return out;
}

}  // namespace rpx::cert
