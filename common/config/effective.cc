// Options as text, and how two of them differ.
#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "config/config.h"
#include "config/keys.h"
#include "config/kinds.h"

namespace rpx::config {
namespace {

Node tree_of(const proxy::SiteOptions& options) {
  Document document;
  document.site = options;
  return write_table(kFile, &document);
}

/// Names of the keys that are not the same, in the order of the table's rows.
std::string changed_keys(const Section& section, const Node& before, const Node& after) {
  std::string names;
  for (const Key& key : section.keys) {
    const Entry* was = before.find(key.name);
    const Entry* is = after.find(key.name);
    const bool same = was == nullptr || is == nullptr ? was == is : same_value(was->node, is->node);
    if (same) continue;
    if (!names.empty()) names += ", ";
    names += key.name;
  }
  return names;
}

/// The tables of a section by name, in order: list items are called by their "name", certificates by their file.
std::vector<std::pair<std::string_view, const Node*>> named_tables(const Node& node) {
  std::vector<std::pair<std::string_view, const Node*>> tables;
  for (const Entry& entry : node.entries) tables.emplace_back(entry.name, &entry.node);
  for (const Node& item : node.items)
    if (const Entry* name = item.find("name") ? item.find("name") : item.find("cert"))
      tables.emplace_back(name->node.text, &item);
  return tables;
}

std::string label_of(std::string_view section, std::string_view name) {
  return fmt::format("{} {}", section == "listen" ? "listener" : section, name);
}

void diff_named(std::vector<std::string>& lines, const Key& row, const Node& before, const Node& after) {
  const auto was = named_tables(before);
  const auto is = named_tables(after);
  const std::unordered_map<std::string_view, const Node*> old_tables(was.begin(), was.end());
  const std::unordered_map<std::string_view, const Node*> new_tables(is.begin(), is.end());
  for (const auto& [name, table] : was)
    if (!new_tables.contains(name)) lines.push_back(label_of(row.name, name) + ": removed");
  for (const auto& [name, table] : is) {
    const auto old_table = old_tables.find(name);
    if (old_table == old_tables.end())
      lines.push_back(label_of(row.name, name) + ": added");
    else if (const std::string keys = changed_keys(*row.section, *old_table->second, *table); !keys.empty())
      lines.push_back(fmt::format("{}: changed ({})", label_of(row.name, name), keys));
  }
  if (row.name != "route") return;  // only of routes the order matters
  std::vector<std::string_view> old_order;
  std::vector<std::string_view> new_order;
  for (const auto& [name, table] : was)
    if (new_tables.contains(name)) old_order.push_back(name);
  for (const auto& [name, table] : is)
    if (old_tables.contains(name)) new_order.push_back(name);
  if (old_order != new_order) lines.emplace_back("routes: in another order");
}

}  // namespace

std::string effective_toml(const proxy::SiteOptions& options) { return to_toml(tree_of(options)); }

std::string effective_json(const proxy::SiteOptions& options) { return to_json(tree_of(options)); }

std::vector<std::string> diff(const proxy::SiteOptions& before, const proxy::SiteOptions& after) {
  const Node old_tree = tree_of(before);
  const Node new_tree = tree_of(after);
  const Node none;
  std::vector<std::string> lines;
  for (const Key& row : kFile.keys) {
    if (row.kind == nullptr || row.section == nullptr) continue;
    const Entry* was = old_tree.find(row.name);
    const Entry* is = new_tree.find(row.name);
    const Node& old_node = was == nullptr ? none : was->node;
    const Node& new_node = is == nullptr ? none : is->node;
    if (row.section->shape != Shape::kTable) {
      diff_named(lines, row, old_node, new_node);
    } else if (const std::string keys = changed_keys(*row.section, old_node, new_node); !keys.empty()) {
      lines.push_back(fmt::format("{}: changed ({})", row.name, keys));
    }
  }
  return lines;
}

}  // namespace rpx::config
