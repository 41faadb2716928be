// Kinds whose values are lists and maps.
#include <unordered_set>

#include <fmt/format.h>

#include "base/text.h"
#include "config/checks.h"
#include "config/kinds.h"
#include "config/reader.h"
#include "policy/error_pages.h"

namespace rpx::config {
namespace {

/// Calls `take` for each text of a list; reports what is none, or does not suit the row.
template <class Take>
void each_text(Reader& reader, const Key& key, const Node& node, Take take) {
  if (node.kind != NodeKind::kList) return reader.wrong_type(key, node);
  std::unordered_set<std::string_view> seen;
  for (const Node& item : node.items) {
    if (item.broken) continue;
    if (item.kind != NodeKind::kText && !item.loose)
      reader.wrong_type(key, item);
    else if (!seen.insert(item.text).second)
      reader.bad_value(key, item, "it is in the list already");
    else if (reader.check_text(key, item, item.text))
      take(item);
  }
}

void read_texts(Reader& reader, const Key& key, const Node& node, std::vector<std::string>& field) {
  field.clear();
  each_text(reader, key, node, [&](const Node& item) { field.push_back(item.text); });
}

/// Adds names the field does not hold yet, in any case.
void read_names(Reader& reader, const Key& key, const Node& node, std::vector<std::string>& field) {
  std::unordered_set<std::string> held;
  for (const std::string& name : field) held.insert(lower(name));
  each_text(reader, key, node, [&](const Node& item) {
    if (held.insert(lower(item.text)).second) field.push_back(item.text);
  });
}

Node write_texts(const Key&, const std::vector<std::string>& field) {
  Node list = list_node();
  for (const std::string& text : field) list.items.push_back(text_node(text));
  return list;
}

void read_prefixes(Reader& reader, const Key& key, const Node& node, std::vector<IpPrefix>& field) {
  field.clear();
  each_text(reader, key, node, [&](const Node& item) {
    if (const std::optional<IpPrefix> prefix = IpPrefix::parse(item.text))
      field.push_back(*prefix);
    else
      reader.bad_value(key, item, R"(expected an address or a prefix such as "10.0.0.0/8" or "fd00::/8")");
  });
}
Node write_prefixes(const Key&, const std::vector<IpPrefix>& field) {
  Node list = list_node();
  for (const IpPrefix& prefix : field) list.items.push_back(text_node(prefix.to_string()));
  return list;
}

/// Calls `take` for each text of a map of texts; reports names and values that do not suit the row.
template <class Take>
void each_pair(Reader& reader, const Key& key, const Node& node, Take take) {
  if (node.kind != NodeKind::kTable) return reader.wrong_type(key, node);
  for (const Entry& entry : node.entries) {
    if (entry.node.broken) continue;
    Key named = key;  // the row's rules under the pair's name
    named.name = entry.name;
    const Complaint complaint = key.extra.check_name == nullptr ? std::nullopt : key.extra.check_name(entry.name);
    if (complaint)
      reader.report().error(entry.at,
                            fmt::format("bad name {} in {}: {}", in_quotes(entry.name), key.name, *complaint));
    else if (entry.node.kind != NodeKind::kText && !entry.node.loose)
      reader.report().error(entry.node.at, fmt::format("{} in {} must be a text in quotes, not {}",
                                                       in_quotes(entry.name), key.name, name_of(entry.node.kind)));
    else if (reader.check_text(named, entry.node, entry.node.text))
      take(entry);
  }
}

void read_name_values(Reader& reader, const Key& key, const Node& node, policy::NameValues& field) {
  std::unordered_set<std::string> given;
  policy::NameValues values;
  each_pair(reader, key, node, [&](const Entry& entry) {
    if (given.insert(lower(entry.name)).second)
      values.emplace_back(entry.name, entry.node.text);
    else
      reader.report().error(entry.at,
                            fmt::format("{} is in {} already, in another case", in_quotes(entry.name), key.name));
  });
  std::erase_if(field, [&](const auto& pair) { return given.contains(lower(pair.first)); });
  field.insert(field.end(), std::make_move_iterator(values.begin()), std::make_move_iterator(values.end()));
}
Node write_name_values(const Key&, const policy::NameValues& field) {
  Node table;
  for (const auto& [name, value] : field) table.add(name, text_node(value));
  return table;
}

void read_weights(Reader& reader, const Key& key, const Node& node, policy::SplitOptions& field) {
  if (node.kind != NodeKind::kTable) return reader.wrong_type(key, node);
  field.clear();
  std::uint64_t sum = 0;
  for (const Entry& entry : node.entries) {
    if (entry.node.kind != NodeKind::kInteger || entry.node.integer < 0 || entry.node.integer > 65535) {
      reader.bad_value(key, entry.node, "expected weights from 0 to 65535");
      continue;
    }
    field.emplace_back(entry.name, static_cast<std::uint32_t>(entry.node.integer));
    sum += field.back().second;
  }
  if (sum == 0 && !node.entries.empty()) reader.bad_value(key, node, "expected a weight over 0");
}
Node write_weights(const Key&, const policy::SplitOptions& field) {
  Node table;
  for (const auto& [name, weight] : field) {
    Node node;
    node.kind = NodeKind::kInteger;
    node.integer = weight;
    table.add(name, std::move(node));
  }
  return table;
}

void read_error_pages(Reader& reader, const Key& key, const Node& node, policy::ErrorPageOptions& field) {
  each_pair(reader, key, node, [&](const Entry& entry) {
    const std::string path = reader.absolute(entry.node, entry.node.text);
    field[entry.name] = path;
    if (!reader.check_files()) return;
    const auto loaded = policy::ErrorPages::load({{entry.name, path}});
    if (!loaded)
      reader.report().error(entry.node.at, fmt::format("bad {} in errors: {}", entry.name, loaded.error().detail));
  });
}
Node write_error_pages(const Key&, const policy::ErrorPageOptions& field) {
  Node table;
  for (const auto& [status, path] : field) table.add(status, text_node(path));
  return table;
}

void read_servers(Reader& reader, const Key& key, const Node& node, std::vector<upstream::ServerOptions>& field) {
  if (node.kind != NodeKind::kList) return reader.wrong_type(key, node);
  field.clear();
  std::unordered_set<std::string> seen;
  for (const Node& item : node.items) {
    const std::size_t errors = reader.report().errors();
    upstream::ServerOptions server;
    if (item.kind == NodeKind::kTable)
      reader.read_table(*key.section, item, &server);
    else if (item.kind == NodeKind::kText || item.loose)
      reader.read_value(key.section->keys.front(), item, &server);  // the first row is the URL
    else
      reader.wrong_type(key, item);
    if (reader.report().errors() > errors) continue;
    if (seen.insert(server.url).second)
      field.push_back(std::move(server));
    else
      reader.report().error(item.at, fmt::format("server {} is in the list already", in_quotes(server.url)));
  }
}
Node write_servers(const Key& key, const std::vector<upstream::ServerOptions>& field) {
  Node list = list_node();
  for (const upstream::ServerOptions& server : field) list.items.push_back(write_table(*key.section, &server));
  return list;
}

}  // namespace

constinit const Kind<std::vector<std::string>> kTexts = make_kind<std::vector<std::string>, read_texts, write_texts>(
    "list of texts", R"(a list of texts such as ["GET", "HEAD"])");
constinit const Kind<std::vector<std::string>> kNames = make_kind<std::vector<std::string>, read_names, write_texts>(
    "list of names", R"(a list of names such as ["X-Debug"])");
constinit const Kind<std::vector<IpPrefix>> kPrefixes = make_kind<std::vector<IpPrefix>, read_prefixes, write_prefixes>(
    "list of prefixes", R"(a list of addresses such as ["10.0.0.0/8"])");
constinit const Kind<policy::NameValues> kNameValues =
    make_kind<policy::NameValues, read_name_values, write_name_values>("table of texts",
                                                                       R"(a table such as { "X-Name" = "value" })");
constinit const Kind<policy::SplitOptions> kWeights = make_kind<policy::SplitOptions, read_weights, write_weights>(
    "table of weights", R"(a table such as { app = 95, canary = 5 })");
constinit const Kind<policy::ErrorPageOptions> kErrorPages =
    make_kind<policy::ErrorPageOptions, read_error_pages, write_error_pages>(
        "table of paths", R"(a table such as { "502" = "502.html" })");
constinit const Kind<std::vector<upstream::ServerOptions>> kServers =
    make_kind<std::vector<upstream::ServerOptions>, read_servers, write_servers>(
        "list of servers", R"(a list of servers such as ["http://10.0.0.1:8080"])");

}  // namespace rpx::config
