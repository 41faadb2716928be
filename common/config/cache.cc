// [cache.NAME] and the routes that name one.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "cache/key.h"
#include "config/checks.h"
#include "config/kinds.h"
#include "config/problem.h"
#include "config/site.h"

namespace rpx::config {
namespace {

void read_caches(Reader& reader, const Key& key, const Node& node, Document& document) {
  if (node.kind != NodeKind::kTable) return reader.wrong_type(key, node);
  for (const Entry& entry : node.entries) {
    if (entry.node.kind != NodeKind::kTable) {
      reader.report().error(
          entry.at, fmt::format("[cache] holds named tables only: write [cache.NAME] above {}", in_quotes(entry.name)));
      continue;
    }
    if (const Complaint complaint = check_name(entry.name))
      reader.report().error(entry.at, fmt::format("bad name {}: {}", in_quotes(entry.name), *complaint));
    cache::CacheOptions rule;
    rule.name = entry.name;
    reader.read_table(*key.section, entry.node, &rule);
    document.site.cache.push_back(std::move(rule));
  }
}
Node write_caches(const Key& key, const Document& document) {
  Node table;
  for (const cache::CacheOptions& rule : document.site.cache) table.add(rule.name, write_table(*key.section, &rule));
  return table;
}

}  // namespace

constinit const Kind<Document> kCaches =
    make_kind<Document, read_caches, write_caches>("tables", "tables with names, such as [cache.static]");

Complaint check_cache_key(std::string_view text) {
  cache::CacheOptions options;
  options.key = text;
  const auto compiled = cache::KeyTemplate::compile(options);
  if (compiled) return std::nullopt;
  return compiled.error().detail;
}

Complaint check_tag_field(std::string_view text) { return text.empty() ? std::nullopt : check_token(text); }

void check_caches(Reader& reader, const Document& document) {
  const std::vector<cache::CacheOptions>& rules = document.site.cache;
  for (std::size_t i = 0; i < document.site.routes.size(); ++i) {
    const std::string& name = document.site.routes[i].cache;
    if (name.empty() || std::ranges::find(rules, name, &cache::CacheOptions::name) != rules.end()) continue;
    std::vector<std::string_view> names;
    for (const cache::CacheOptions& rule : rules) names.push_back(rule.name);
    const std::string_view near = did_you_mean(name, names);
    const Node& table = *document.route_tables[i];
    const Entry* own = table.find("cache");
    reader.report().error(own == nullptr ? table.at : own->node.at,
                          fmt::format("there is no cache {}{}", in_quotes(name),
                                      near.empty() ? fmt::format(": add [cache.{}]", name)
                                                   : fmt::format("; did you mean {}?", in_quotes(near))));
  }
}

}  // namespace rpx::config
