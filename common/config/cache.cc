// [cache.NAME] and the routes that name one.
#include <fmt/format.h>

#include "cache/key.h"
#include "config/checks.h"
#include "config/named.h"

namespace rpx::config {

namespace {

using StatusTtls = std::vector<cache::StatusTtl>;
using BypassRules = std::vector<cache::BypassOptions>;

bool is_status(std::string_view text) noexcept {
  if (text.size() != 3 || text[0] < '2' || text[0] > '5') return false;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return text.substr(1) == "xx" || (is_digit(text[1]) && is_digit(text[2]));
}

void read_status_ttl(Reader& reader, const Key& key, const Node& node, StatusTtls& field) {
  if (node.kind != NodeKind::kTable) return reader.wrong_type(key, node);
  field.clear();
  for (const Entry& entry : node.entries) {
    if (entry.node.broken) continue;
    if (!is_status(entry.name)) {
      reader.report().error(entry.at, fmt::format("bad name {} in {}: expected a status from 200 to 599, or a class "
                                                  "such as \"5xx\"",
                                                  in_quotes(entry.name), key.name));
      continue;
    }
    const auto ttl =
        entry.node.kind == NodeKind::kText || entry.node.loose ? parse_duration(entry.node.text) : std::nullopt;
    if (ttl)
      field.push_back({entry.name, *ttl});
    else
      reader.report().error(entry.node.at, fmt::format("bad {} in {}: expected a duration such as \"30s\"",
                                                       in_quotes(entry.name), key.name));
  }
}
Node write_status_ttl(const Key&, const StatusTtls& field) {
  Node table;
  for (const cache::StatusTtl& one : field) {
    Node text;
    text.kind = NodeKind::kText;
    text.text = format_duration(one.ttl);
    table.add(one.status, std::move(text));
  }
  return table;
}

void read_bypass(Reader& reader, const Key& key, const Node& node, BypassRules& field) {
  if (node.kind != NodeKind::kList) return reader.wrong_type(key, node);
  field.clear();
  for (const Node& item : node.items) {
    if (item.kind != NodeKind::kTable) {
      reader.wrong_type(key, item);
      continue;
    }
    cache::BypassOptions rule;
    const std::size_t errors = reader.report().errors();
    reader.read_table(*key.section, item, &rule);
    if (rule == cache::BypassOptions() && reader.report().errors() == errors)
      reader.report().error(item.at, "a rule says what it is about: path, header, cookie or query");
    field.push_back(std::move(rule));
  }
}
Node write_bypass(const Key& key, const BypassRules& field) {
  Node list;
  list.kind = NodeKind::kList;
  for (const cache::BypassOptions& rule : field) list.items.push_back(write_table(*key.section, &rule));
  return list;
}

}  // namespace

constinit const Kind<StatusTtls> kStatusTtl = make_kind<StatusTtls, read_status_ttl, write_status_ttl>(
    "table of durations", R"(a table such as { "404" = "1m", "5xx" = "5s" })");
constinit const Kind<BypassRules> kBypassRules = make_kind<BypassRules, read_bypass, write_bypass>(
    "list of rules", R"(a list of rules such as [{ path = "/account/*" }])");
constinit const Kind<Document> kCaches =
    make_kind<Document, read_named<&proxy::SiteOptions::cache>, write_named<&proxy::SiteOptions::cache>>(
        "tables", "tables with names, such as [cache.static]");

Complaint check_cache_key(std::string_view text) {
  cache::CacheOptions options;
  options.key = text;
  const auto compiled = cache::KeyTemplate::compile(options);
  if (compiled) return std::nullopt;
  return compiled.error().detail;
}

Complaint check_tag_field(std::string_view text) { return text.empty() ? std::nullopt : check_token(text); }

void check_caches(Reader& reader, const Document& document) {
  const auto& caches = document.site.cache;
  for (std::size_t i = 0; i < caches.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (caches[i].disk && caches[j].disk && !caches[i].disk->path.empty() &&
          caches[i].disk->path == caches[j].disk->path)
        reader.report().error(
            {}, fmt::format("caches \"{}\" and \"{}\" have the same disk.path: each needs a folder of its own",
                            caches[j].name, caches[i].name));
  for (std::size_t i = 0; i < document.site.routes.size(); ++i)
    check_named(reader, *document.route_tables[i], "cache", document.site.routes[i].cache, document.site.cache);
  for (const cache::CacheOptions& one : document.site.cache)
    if (!one.purge.empty() &&
        std::ranges::find(document.site.access, one.purge, &policy::AccessOptions::name) == document.site.access.end())
      reader.report().error({}, fmt::format("cache {}: purge: there is no access {}: add [access.{}]",
                                            in_quotes(one.name), in_quotes(one.purge), one.purge));
}

}  // namespace rpx::config
