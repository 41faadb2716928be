#include "config/kinds_of_protection.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/reader.h"

namespace rpx::config {
namespace {

void read_paths(Reader& reader, const Key& key, const Node& node, std::vector<std::string>& field) {
  if (node.kind != NodeKind::kList) return reader.wrong_type(key, node);
  field.clear();
  for (const Node& item : node.items) {
    if (item.broken) continue;
    if (item.kind != NodeKind::kText && !item.loose) {
      reader.wrong_type(key, item);
    } else if (item.text.empty() || item.text.find('\0') != std::string::npos || item.text.ends_with('/')) {
      reader.bad_value(key, item, "expected the path of a file");
    } else {
      std::string path = reader.absolute(item, item.text);
      if (std::ranges::find(field, path) != field.end())
        reader.bad_value(key, item, "it is in the list already");
      else
        field.push_back(std::move(path));
    }
  }
}
Node write_paths(const Key&, const std::vector<std::string>& field) {
  Node list = list_node();
  for (const std::string& path : field) list.items.push_back(text_node(path));
  return list;
}

void read_block_action(Reader& reader, const Key& key, const Node& node, std::uint16_t& field) {
  std::optional<std::uint64_t> status;
  if (node.kind == NodeKind::kInteger && node.integer > 0) status = static_cast<std::uint64_t>(node.integer);
  if (node.kind == NodeKind::kText || node.loose) {
    status = parse_uint(node.text);
    if (node.text == "close") {
      field = 0;
      return;
    }
  }
  if (!status || *status < 400 || *status > 599)
    return reader.bad_value(key, node, "expected \"close\" or a status from 400 to 599");
  field = static_cast<std::uint16_t>(*status);
}
Node write_block_action(const Key&, const std::uint16_t& field) {
  return field == 0 ? text_node("close") : integer_node(field);
}

void read_statuses(Reader& reader, const Key& key, const Node& node, std::vector<std::uint16_t>& field) {
  if (node.kind != NodeKind::kList) return reader.wrong_type(key, node);
  field.clear();
  for (const Node& item : node.items) {
    if (item.broken) continue;
    const bool fits = item.kind == NodeKind::kInteger && item.integer >= 200 && item.integer <= 599;
    if (!fits)
      reader.bad_value(key, item, "expected a status from 200 to 599");
    else
      field.push_back(static_cast<std::uint16_t>(item.integer));
  }
}
Node write_statuses(const Key&, const std::vector<std::uint16_t>& field) {
  Node list = list_node();
  for (const std::uint16_t status : field) list.items.push_back(integer_node(status));
  return list;
}

}  // namespace

constinit const Kind<std::vector<std::uint16_t>> kStatuses =
    make_kind<std::vector<std::uint16_t>, read_statuses, write_statuses>("list of statuses",
                                                                         "a list of statuses such as [401, 403]");
constinit const Kind<std::vector<std::string>> kPaths = make_kind<std::vector<std::string>, read_paths, write_paths>(
    "list of paths", R"(a list of paths such as ["blocklist.txt"])");
constinit const Kind<std::uint16_t> kBlockAction = make_kind<std::uint16_t, read_block_action, write_block_action>(
    "text or status", R"("close" or a status such as 403)");

}  // namespace rpx::config
