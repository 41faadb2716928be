// Listeners with mode = "tcp" and servers whose URL begins with tcp://: what goes together and what does not.
#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "base/text.h"
#include "config/checks.h"
#include "config/site.h"

namespace rpx::config {
namespace {

bool has_tcp_server(const upstream::UpstreamOptions& upstream) {
  return std::ranges::any_of(upstream.servers, [](const auto& server) { return server.url.starts_with("tcp://"); });
}

// By value, not by presence: the effective configuration has every key, and is to be read again.
void check_tcp_listener(Reader& reader, const proxy::ListenOptions& listener, const Node& table) {
  const auto not_here = [&reader, &table](std::string_view name, bool given) {
    if (given)
      reader.error_at(table, {name}, fmt::format(R"("{}" is for HTTP, and this listener has mode = "tcp")", name));
  };
  not_here("protocols", !listener.protocols.empty());
  not_here("redirect_https", listener.redirect_https);
  not_here("trusted_proxies", !listener.trusted_proxies.empty());
  const bool named = !listener.upstream.empty();
  const bool by_name = !listener.sni.empty();
  if (!named && !by_name) reader.error_at(table, {"mode"}, R"(a tcp listener goes somewhere: give it upstream or sni)");
  if (named && by_name)
    reader.error_at(table, {"sni"}, R"(a tcp listener has upstream or sni, not both: "*" in sni is what is left)");
  if (by_name && listener.tls)
    reader.error_at(table, {"sni"}, R"(sni reads names without decrypting: with tls = true give it upstream)");
}

void check_http_listener(Reader& reader, const proxy::ListenOptions& listener, const Node& table) {
  constexpr std::string_view kRoutes = "; where requests go is said in a [[route]]";
  const auto not_here = [&reader, &table](std::string_view name, bool given, std::string_view instead) {
    if (given) reader.error_at(table, {name}, fmt::format(R"("{}" is for mode = "tcp"{})", name, instead));
  };
  not_here("upstream", !listener.upstream.empty(), kRoutes);
  not_here("sni", !listener.sni.empty(), kRoutes);
  not_here("idle", listener.pass.empty() && listener.idle != proxy::ListenOptions{}.idle,
           ": see [limits] and timeout of [[route]]");
}

void check_pass(Reader& reader, const proxy::ListenOptions& listener, const Node& table) {
  if (listener.pass.empty()) return;
  if (!listener.tls)
    reader.error_at(table, {"pass"},
                    R"(pass goes by the name in a TLS ClientHello: add tls = true, or mode = "tcp" with sni)");
  for (const auto& [name, upstream] : listener.pass)
    if (name == "*")
      reader.error_at(table, {"pass"}, R"("*" would pass all there is: that is mode = "tcp" with upstream)");
}

// The upstreams that tcp listeners name.
std::unordered_set<std::string_view> named_by_listeners(const Document& document) {
  std::unordered_set<std::string_view> out;
  for (const proxy::ListenOptions& listener : document.site.listen) {
    for (const auto& [name, upstream] : listener.pass) out.insert(upstream);
    if (!listener.is_tcp()) continue;
    out.insert(listener.upstream);
    for (const auto& [name, upstream] : listener.sni) out.insert(upstream);
  }
  return out;
}

}  // namespace

void check_layer4(Reader& reader, const Document& document) {
  for (std::size_t i = 0; i < document.listener_tables.size(); ++i) {
    const proxy::ListenOptions& listener = document.site.listen[i];
    const Node& table = *document.listener_tables[i];
    if (listener.is_tcp())
      check_tcp_listener(reader, listener, table);
    else
      check_http_listener(reader, listener, table);
    check_pass(reader, listener, table);
  }
  const auto named = named_by_listeners(document);
  std::unordered_set<std::string_view> without_http;
  for (std::size_t i = 0; i < document.site.upstreams.size(); ++i) {
    const upstream::UpstreamOptions& upstream = document.site.upstreams[i];
    const bool tcp = has_tcp_server(upstream);
    if (tcp) without_http.insert(upstream.name);
    if (i >= document.upstream_tables.size()) continue;
    const Node& table = document.upstream_tables[i]->node;
    if (tcp && upstream.health && !upstream.health->tcp && !upstream.health->tls)
      reader.error_at(table, {"health"}, "tcp:// servers are checked by connecting: add tcp = true, or tls = true");
    if (upstream.sticky && (tcp || named.contains(upstream.name)))
      reader.error_at(table, {"sticky"},
                      R"(a tcp listener has no cookies: balance = "ip_hash" keeps a client with its server)");
    if (upstream.balance == "hash" && named.contains(upstream.name))
      reader.error_at(
          table, {"balance"},
          R"("hash" goes by what a request says, and a tcp listener has none: "ip_hash" goes by the client)");
  }
  for (std::size_t i = 0; i < document.route_tables.size(); ++i) {
    if (document.site.routes[i].mirror && without_http.contains(document.site.routes[i].mirror->upstream))
      reader.error_at(*document.route_tables[i], {"mirror"},
                      "its servers are tcp://, and copies of requests are HTTP: give them as http://");
    if (without_http.contains(document.site.routes[i].upstream) ||
        std::ranges::any_of(document.site.routes[i].split,
                            [&without_http](const auto& share) { return without_http.contains(share.first); }))
      reader.error_at(*document.route_tables[i], {"upstream"},
                      R"(its servers are tcp://, which is for listeners with mode = "tcp": give them as http://)");
  }
}

}  // namespace rpx::config
