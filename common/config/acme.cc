// The checks of [acme].
#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "base/ip.h"
#include "base/text.h"
#include "config/checks.h"
#include "config/files.h"
#include "config/site.h"
#include "pki/served.h"

namespace rpx::config {

Complaint check_https_url(std::string_view text) {
  if (text.starts_with("https://") && pki::parse_endpoint(text)) return std::nullopt;
  return R"(expected a URL such as "https://acme.example/directory")";
}

Complaint check_email(std::string_view text) {
  const std::size_t sign = text.find('@');
  const bool fits = sign != 0 && sign != std::string_view::npos && sign + 1 < text.size() &&
                    text.find('@', sign + 1) == std::string_view::npos &&
                    text.find_first_of(" \t\r\n,<>\"") == std::string_view::npos;
  return text.empty() || fits ? std::nullopt : Complaint(R"(expected an address such as "ops@example.com")");
}

Complaint check_acme_host(std::string_view text) {
  if (IpAddress::parse(text)) return std::nullopt;
  if (text.starts_with("*."))
    return "names with a star are proven in the DNS alone, which rpx-serve does not do: list the names";
  const bool letters = std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
  const std::string name = lower(text);
  const bool labels = !name.empty() && name.size() <= 253 && name.find("..") == std::string::npos &&
                      name.front() != '.' && name.back() != '.' && name.front() != '-';
  return letters && labels ? std::nullopt : Complaint("expected the name of a host, without port");
}

void check_acme(Reader& reader, const Node& table, void* acme) {
  auto& options = *static_cast<proxy::AcmeOptions*>(acme);
  // Where nothing is stored it stays as it is, so that the effective configuration reads as it was written.
  if (options.store.empty() && !options.hosts.empty())
    options.store = absolute_path("acme", reader.report().source(table.at.source).directory);
  if (options.hosts.empty()) {
    // The effective configuration has every key, and is no such mistake.
    proxy::AcmeOptions untouched;
    untouched.store = options.store;
    if (table.entries.empty() || options != untouched)
      reader.report().warning(table.at, "hosts is empty: no certificate is obtained or renewed");
  }
  std::unordered_set<std::string> seen;
  for (std::string& host : options.hosts) {
    host = lower(host);
    if (!seen.insert(host).second) reader.error_at(table, {"hosts"}, fmt::format("{} is there twice", in_quotes(host)));
    if (IpAddress::parse(host) && options.challenge == "tls-alpn-01")
      reader.error_at(table, {"hosts"}, fmt::format("{} is an address: it is proven by http-01", in_quotes(host)));
  }
  // By value, not by presence: the effective configuration has every key.
  if (options.eab_kid.empty() != options.eab_key_file.empty()) {
    const std::string_view has = options.eab_kid.empty() ? "eab_key_file" : "eab_kid";
    const std::string_view lacks = options.eab_kid.empty() ? "eab_kid" : "eab_key_file";
    if (table.find(lacks) == nullptr || table.find(lacks)->node.kind == NodeKind::kText)
      reader.error_at(table, {has}, fmt::format("{} needs {} beside it", has, lacks));
  }
}

void check_challenges(Reader& reader, const Document& document, const Node& root) {
  const proxy::AcmeOptions& acme = document.site.acme;
  const Entry* entry = root.find("acme");
  if (entry == nullptr || acme.hosts.empty()) return;
  const Node& table = entry->node;
  const auto& listeners = document.site.listen;
  if (std::ranges::none_of(listeners, &proxy::ListenOptions::tls))
    reader.error_at(table, {"hosts"}, "no listener has tls = true: nobody would be served these certificates");
  else if (acme.challenge == "http-01" &&
           std::ranges::all_of(listeners, [](const auto& one) { return one.tls || one.is_tcp(); }))
    reader.error_at(
        table, {"challenge"},
        "http-01 is asked for in the clear: add a listener without tls for port 80, such as [[listen]] with "
        "redirect_https = true, or use tls-alpn-01");
  if (!acme.agree_tos)
    reader.report().warning(table.at,
                            "agree_tos is not set: most authorities issue nothing before you agree to their "
                            "terms of service");
}

}  // namespace rpx::config
