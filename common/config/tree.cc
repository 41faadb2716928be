#include "config/tree.h"

#include <algorithm>

namespace rpx::config {

std::string_view name_of(NodeKind kind) noexcept {
  switch (kind) {
    case NodeKind::kText: return "a string";
    case NodeKind::kInteger: return "an integer";
    case NodeKind::kFloat: return "a decimal number";
    case NodeKind::kBool: return "a boolean";
    case NodeKind::kTime: return "a date or time";
    case NodeKind::kList: return "a list";
    case NodeKind::kTable:
    case NodeKind::kRaw: break;
  }
  return "a table";
}

const Entry* Node::find(std::string_view name) const noexcept {
  for (const Entry& entry : entries)
    if (entry.name == name) return &entry;
  return nullptr;
}

Node& Node::add(std::string_view name, Node node) {
  const Position at_node = node.at;
  return entries.emplace_back(Entry{std::string(name), at_node, std::move(node)}).node;
}

bool same_value(const Node& one, const Node& other) noexcept {
  return one.kind == other.kind && one.boolean == other.boolean && one.integer == other.integer &&
         one.text == other.text && std::ranges::equal(one.items, other.items, same_value) &&
         std::ranges::equal(one.entries, other.entries, [](const Entry& a, const Entry& b) {
           return a.name == b.name && same_value(a.node, b.node);
         });
}

Node text_node(std::string_view text) {
  Node node;
  node.kind = NodeKind::kText;
  node.text = text;
  return node;
}

Node integer_node(std::int64_t value) {
  Node node;
  node.kind = NodeKind::kInteger;
  node.integer = value;
  return node;
}

Node bool_node(bool value) {
  Node node;
  node.kind = NodeKind::kBool;
  node.boolean = value;
  return node;
}

Node list_node() {
  Node node;
  node.kind = NodeKind::kList;
  return node;
}

Node table_node() { return {}; }

}  // namespace rpx::config
