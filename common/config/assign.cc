#include "config/assign.h"

#include <optional>
#include <variant>

#include <fmt/format.h>

#include "base/text.h"
#include "config/parse.h"

namespace rpx::config {
namespace {

constexpr std::size_t kMostSteps = 16;

/// A name in a table, or an index in a list.
using Step = std::variant<std::string, std::size_t>;

/// Takes one name, bare or quoted, off the front of `path`.
std::optional<std::string> take_name(std::string_view& path) {
  std::size_t begin = 0;
  std::size_t end = path.find_first_of(".[");
  std::size_t next = end;
  if (path.starts_with('"') || path.starts_with('\'')) {
    begin = 1;
    end = path.find(path[0], 1);
    if (end == std::string_view::npos) return std::nullopt;
    next = end + 1;
  }
  std::string name(path.substr(begin, end == std::string_view::npos ? end : end - begin));
  path.remove_prefix(next == std::string_view::npos ? path.size() : next);
  return name.empty() ? std::nullopt : std::optional(std::move(name));
}

/// "listen[0].address" as steps; nothing where it is no path.
std::optional<std::vector<Step>> steps_of(std::string_view path) {
  std::vector<Step> steps;
  while (steps.size() < kMostSteps) {
    std::optional<std::string> name = take_name(path);
    if (!name) return std::nullopt;
    steps.emplace_back(*std::move(name));
    while (path.starts_with('[')) {
      const std::size_t close = path.find(']');
      if (close == std::string_view::npos) return std::nullopt;
      const std::optional<std::uint64_t> index = parse_uint(path.substr(1, close - 1));
      if (!index) return std::nullopt;
      steps.emplace_back(static_cast<std::size_t>(*index));
      path.remove_prefix(close + 1);
    }
    if (path.empty()) return steps;
    if (!path.starts_with('.')) return std::nullopt;
    path.remove_prefix(1);
  }
  return std::nullopt;
}

/// The entry `name` of `table`, made if it is missing.
Node& entry_of(Node& table, const std::string& name, const Position& at) {
  for (Entry& entry : table.entries)
    if (entry.name == name) return entry.node;
  Node made;
  made.at = at;
  Node& node = table.add(name, std::move(made));
  return node;
}

/// The node `step` leads to from `node`, or null with the reason in `why`.
Node* descend(Node& node, const Step& step, const Position& at, std::string& why) {
  if (const std::string* name = std::get_if<std::string>(&step)) {
    if (node.kind != NodeKind::kTable) {
      why = fmt::format("{} is looked for in {}, not in a table", in_quotes(*name), name_of(node.kind));
      return nullptr;
    }
    return &entry_of(node, *name, at);
  }
  const std::size_t index = std::get<std::size_t>(step);
  if (node.kind == NodeKind::kTable && node.entries.empty()) node.kind = NodeKind::kList;
  if (node.kind != NodeKind::kList) {
    why = fmt::format("[{}] is looked for in {}, not in a list", index, name_of(node.kind));
    return nullptr;
  }
  if (index > node.items.size()) {
    why = fmt::format("[{}] is past the end of the list: the next is [{}]", index, node.items.size());
    return nullptr;
  }
  if (index == node.items.size()) node.items.emplace_back().at = at;
  return &node.items[index];
}

Node value_node(std::string_view value, const Position& at) {
  Node node = parse_value(value, at).value_or(text_node(value));
  // Where a text is wanted, 8080 or true are one; where a number is, "8080" will do.
  if (node.kind != NodeKind::kList && node.kind != NodeKind::kTable) {
    if (node.kind != NodeKind::kText) node.text = value;
    node.loose = true;
  }
  node.at = at;
  return node;
}

}  // namespace

void assign(Node& root, std::string_view path, std::string_view value, const Position& at, Report& report) {
  const std::optional<std::vector<Step>> steps = steps_of(path);
  if (!steps)
    return report.error(
        at, fmt::format("bad path {}: expected names like serve.workers or listen[0].address", in_quotes(path)));
  Node* node = &root;
  std::string why;
  for (const Step& step : *steps) {
    node = descend(*node, step, at, why);
    if (node == nullptr) return report.error(at, std::move(why));
  }
  *node = value_node(value, at);
}

void assign(Node& root, std::string_view assignment, const Position& at, Report& report) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos) return report.error(at, "expected path=value, such as serve.workers=2");
  assign(root, trim(assignment.substr(0, equals)), trim(assignment.substr(equals + 1)), at, report);
}

}  // namespace rpx::config
