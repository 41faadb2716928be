// The checks of what concerns TLS.
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

void check_certificates_of(Reader& reader, const Document& document) {
  for (std::size_t i = 0; i < document.listener_tables.size(); ++i) {
    const proxy::ListenOptions& listener = document.site.listen[i];
    const Node& table = *document.listener_tables[i];
    if (listener.tls && document.certificate_tables.empty())
      reader.error_at(table, {"tls"}, "tls = true needs a certificate: add [[certificate]] with cert and key");
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
