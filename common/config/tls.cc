// The checks of what concerns TLS.
#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "config/checks.h"
#include "config/site.h"
#include "tls/server_context.h"

namespace rpx::config {

Complaint check_ciphers(std::string_view text) {
  const tls::SslContextPtr context(SSL_CTX_new(TLS_server_method()));
  tls::TlsOptions options;
  options.ciphers = text;
  const Status applied = tls::apply_policy(context.get(), options);
  if (applied && !text.empty()) return std::nullopt;
  return R"(expected "modern", "intermediate" or OpenSSL's names of ciphers, such as "ECDHE-RSA-AES128-GCM-SHA256")";
}

Complaint check_certificates(std::string_view path) {
  const auto bundle = tls::read_bundle(std::string(path));
  return bundle ? std::nullopt : Complaint(bundle.error().detail);
}

void check_tls(Reader& reader, const Node& table, void* tls) {
  const auto& options = *static_cast<const tls::TlsOptions*>(tls);
  if (options.client_verify != "off" && options.client_ca.empty() && table.find("client_ca") == nullptr)
    reader.error_at(table, {"client_verify"},
                    fmt::format("client_verify = \"{}\" needs client_ca: the authorities of client certificates",
                                options.client_verify));
}

Complaint check_tls_name(std::string_view text) {
  const bool fits = std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
           c == '_' || c == ':';
  });
  return fits && text.size() <= 255 ? std::nullopt : Complaint("expected the name of a host, without port");
}

void check_server_tls(Reader& reader, const Node& table, void* tls) {
  const auto& options = *static_cast<const tls::ClientOptions*>(tls);
  if (options.cert.empty() == options.key.empty()) {
    if (options.cert.empty() || !reader.check_files()) return;
    const tls::Certificate own = tls::load_certificate({options.cert, options.key}, std::chrono::system_clock::now());
    if (!own.problem.empty()) reader.error_at(table, {"cert"}, own.problem);
    return;
  }
  const std::string_view has = options.cert.empty() ? "key" : "cert";
  const std::string_view lacks = options.cert.empty() ? "cert" : "key";
  if (table.find(lacks) == nullptr) reader.error_at(table, {has}, fmt::format("{} needs {} beside it", has, lacks));
}

void check_certificates_of(Reader& reader, const Document& document) {
  for (std::size_t i = 0; i < document.listener_tables.size(); ++i) {
    const proxy::ListenOptions& listener = document.site.listen[i];
    const Node& table = *document.listener_tables[i];
    if (listener.tls && document.certificate_tables.empty() && document.site.acme.hosts.empty())
      reader.error_at(table, {"tls"},
                      "tls = true needs a certificate: add [[certificate]] with cert and key, or [acme] with hosts");
    for (const std::string& protocol : listener.protocols) {
      if (!listener.tls && protocol == "h2")
        reader.error_at(table, {"protocols"}, "h2 is for listeners with tls; without, it is called h2c");
      if (listener.tls && protocol == "h2c")
        reader.error_at(table, {"protocols"}, "h2c is for listeners without tls; with it, it is called h2");
    }
    if (listener.tls && listener.redirect_https)
      reader.error_at(table, {"redirect_https"}, "redirect_https is for listeners without tls");
  }
}

void warn_certificates(Reader& reader, const Document& document) {
  if (!reader.check_files()) return;
  const WallTime now = std::chrono::system_clock::now();
  for (std::size_t i = 0; i < document.certificate_tables.size(); ++i) {
    const tls::Certificate loaded = tls::load_certificate(document.site.certificates[i], now);
    const Node& table = *document.certificate_tables[i];
    const Entry* entry = table.find("cert");
    const Position at = entry == nullptr ? table.at : entry->node.at;
    if (!loaded.problem.empty())
      reader.report().warning(at, fmt::format("the certificate is not served: {}", loaded.problem));
    else if (!loaded.warning.empty())
      reader.report().warning(at, fmt::format("clients will hardly accept the certificate: {}", loaded.warning));
  }
}

}  // namespace rpx::config
