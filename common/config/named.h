// Sections that are tables with names ([cache.NAME]) and the routes that name one. Called by the key tables while a
// file is read.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "config/checks.h"
#include "config/kinds.h"
#include "config/problem.h"
#include "config/site.h"

namespace rpx::config {

/// Reads each table below `node` into an object of the list that is `List` of the site.
template <auto List>
void read_named(Reader& reader, const Key& key, const Node& node, Document& document) {
  if (node.kind != NodeKind::kTable) return reader.wrong_type(key, node);
  auto& list = document.site.*List;
  for (const Entry& entry : node.entries) {
    if (entry.node.kind != NodeKind::kTable) {
      reader.report().error(entry.at, fmt::format("[{0}] holds named tables only: write [{0}.NAME] above {1}", key.name,
                                                  in_quotes(entry.name)));
      continue;
    }
    if (const Complaint complaint = check_name(entry.name))
      reader.report().error(entry.at, fmt::format("bad name {}: {}", in_quotes(entry.name), *complaint));
    auto& made = list.emplace_back();
    made.name = entry.name;
    reader.read_table(*key.section, entry.node, &made);
  }
}

template <auto List>
Node write_named(const Key& key, const Document& document) {
  Node table;
  for (const auto& one : document.site.*List) table.add(one.name, write_table(*key.section, &one));
  return table;
}

/// Complains when `name`, which the key `key` of a route's `table` gives, is none of those in `list`.
template <class Options>
void check_named(Reader& reader, const Node& table, std::string_view key, const std::string& name,
                 const std::vector<Options>& list) {
  if (name.empty() || std::ranges::find(list, name, &Options::name) != list.end()) return;
  std::vector<std::string_view> names;
  for (const Options& one : list) names.push_back(one.name);
  const std::string_view near = did_you_mean(name, names);
  const Entry* own = table.find(key);
  reader.report().error(own == nullptr ? table.at : own->node.at,
                        fmt::format("there is no {} {}{}", key, in_quotes(name),
                                    near.empty() ? fmt::format(": add [{}.{}]", key, name)
                                                 : fmt::format("; did you mean {}?", in_quotes(near))));
}

}  // namespace rpx::config
