// [compress.NAME] and the routes that name one.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "config/checks.h"
#include "config/kinds.h"
#include "config/problem.h"
#include "config/site.h"

namespace rpx::config {
namespace {

constexpr std::string_view kBuiltIn = "default";

void read_rules(Reader& reader, const Key& key, const Node& node, Document& document) {
  if (node.kind != NodeKind::kTable) return reader.wrong_type(key, node);
  for (const Entry& entry : node.entries) {
    if (entry.node.kind != NodeKind::kTable) {
      reader.report().error(entry.at, fmt::format("[compress] holds named tables only: write [compress.NAME] above {}",
                                                  in_quotes(entry.name)));
      continue;
    }
    if (const Complaint complaint = check_name(entry.name))
      reader.report().error(entry.at, fmt::format("bad name {}: {}", in_quotes(entry.name), *complaint));
    policy::CompressOptions rule;
    rule.name = entry.name;
    reader.read_table(*key.section, entry.node, &rule);
    document.site.compress.push_back(std::move(rule));
  }
}
Node write_rules(const Key& key, const Document& document) {
  Node table;
  for (const policy::CompressOptions& rule : document.site.compress)
    table.add(rule.name, write_table(*key.section, &rule));
  return table;
}

}  // namespace

constinit const Kind<Document> kCompressRules =
    make_kind<Document, read_rules, write_rules>("tables", "tables with names, such as [compress.default]");

void check_compress(Reader& reader, Document& document) {
  std::vector<policy::CompressOptions>& rules = document.site.compress;
  for (std::size_t i = 0; i < document.site.routes.size(); ++i) {
    const std::string& name = document.site.routes[i].compress;
    if (name.empty() || std::ranges::find(rules, name, &policy::CompressOptions::name) != rules.end()) continue;
    if (name == kBuiltIn) {
      rules.push_back({.name = name});
      continue;
    }
    std::vector<std::string_view> names{kBuiltIn};
    for (const policy::CompressOptions& rule : rules) names.push_back(rule.name);
    const std::string_view near = did_you_mean(name, names);
    const Node& table = *document.route_tables[i];
    const Entry* own = table.find("compress");
    reader.report().error(own == nullptr ? table.at : own->node.at,
                          fmt::format("there is no compress {}{}", in_quotes(name),
                                      near.empty() ? fmt::format(": add [compress.{}]", name)
                                                   : fmt::format("; did you mean {}?", in_quotes(near))));
  }
}

}  // namespace rpx::config
