// A configuration as read but not yet understood: nodes with the place each was written at, whether they came
// from a file, an included file or the command line. Also what writing goes through. Values, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rpx::config {

/// A place in one of the sources of a Report. Line and column count from 1, columns in characters;
/// line 0 means the source as a whole.
struct Position {
  std::uint32_t source = 0;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

enum class NodeKind : std::uint8_t { kText, kInteger, kFloat, kBool, kTime, kList, kTable, kRaw };

/// "a string", "an integer", ...: for messages.
std::string_view name_of(NodeKind kind) noexcept;

struct Entry;

/// One TOML value. Tables keep the order they were written in, and may hold a name twice once files are merged.
struct Node {
  NodeKind kind = NodeKind::kTable;
  bool boolean = false;
  bool broken = false;  ///< a text whose variables could not be replaced, which was reported
  bool secret = false;  ///< `text` is written as "***", unless it is empty
  bool loose = false;   ///< `text` came from the environment or a command line: it may stand for a number or boolean
  Position at;
  std::int64_t integer = 0;
  std::string text;  ///< kText: the text. kRaw: verbatim, in TOML and JSON alike. Loose: as it was written.
  std::string json;  ///< written in JSON instead of the TOML value; empty = the same
  std::vector<Node> items;
  std::vector<Entry> entries;

  /// The first entry called `name`, or null. Linear: for tables with few keys.
  const Entry* find(std::string_view name) const noexcept;
  /// Appends an entry; returns its node, valid until the next is added.
  Node& add(std::string_view name, Node node);
};

struct Entry {
  std::string name;
  Position at;
  Node node;
};

/// Whether both hold the same, wherever they were written; secrets are compared as they are.
bool same_value(const Node& one, const Node& other) noexcept;

Node text_node(std::string_view text);
Node integer_node(std::int64_t value);
Node bool_node(bool value);
Node list_node();
Node table_node();

/// `root` as a TOML document: sections as headers, tables inside of list items in one line.
/// "${" in texts is written as "$${", so that reading it back changes nothing.
std::string to_toml(const Node& root);
/// One value as it stands after "=".
std::string to_toml_value(const Node& node);
/// `root` as JSON, indented by two spaces, with a newline at the end.
std::string to_json(const Node& root);

}  // namespace rpx::config
