#include "config/parse.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace rpx::config {
namespace {

// Tables are walked recursively, here and in the library: a key of a million parts must not exhaust the stack.
constexpr std::size_t kMostKeyParts = 200;
constexpr std::size_t kMostDepth = 300;

Position position_of(const toml::source_position& at, std::uint32_t source) { return {source, at.line, at.column}; }

/// Line and column of byte `offset`.
Position position_of(std::string_view text, std::size_t offset, std::uint32_t source) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  // Characters, not bytes: those that continue one do not count.
  const auto characters =
      std::ranges::count_if(before.substr(line_begin), [](char c) { return (c & '\xc0') != '\x80'; });
  return {source, static_cast<std::uint32_t>(std::ranges::count(before, '\n') + 1),
          static_cast<std::uint32_t>(characters + 1)};
}

/// Where a key of more than kMostKeyParts parts begins to be too long, or npos.
std::size_t find_endless_key(std::string_view text) {
  std::size_t parts = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool in_key = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                        c == '-' || c == '"' || c == '\'' || c == ' ' || c == '\t';
    if (c == '.' && i > 0 && text[i - 1] != '.') {
      if (++parts > kMostKeyParts) return i;
    } else if (!in_key) {
      parts = 0;
    }
  }
  return std::string_view::npos;
}

/// Where `text` is not UTF-8, or npos. The library's own place is one character off.
std::size_t find_bad_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = utf8_size(text.substr(i));
    if (size == 0) return i;
    i += size;
  }
  return std::string_view::npos;
}

class Converter {
 public:
  explicit Converter(std::uint32_t source) : source_(source) {}
  bool too_deep() const noexcept { return too_deep_; }

  Node convert(const toml::node& from, std::size_t depth = 0) {
    Node to;
    to.at = position_of(from.source().begin, source_);
    if (depth > kMostDepth) {
      too_deep_ = true;
      return to;
    }
    switch (from.type()) {
      case toml::node_type::string:
        to.kind = NodeKind::kText;
        to.text = from.as_string()->get();
        break;
      case toml::node_type::integer:
        to.kind = NodeKind::kInteger;
        to.integer = from.as_integer()->get();
        break;
      case toml::node_type::boolean:
        to.kind = NodeKind::kBool;
        to.boolean = from.as_boolean()->get();
        break;
      case toml::node_type::floating_point:
        to.kind = NodeKind::kFloat;
        to.text = fmt::format("{}", from.as_floating_point()->get());
        break;
      case toml::node_type::array:
        to.kind = NodeKind::kList;
        to.items.reserve(from.as_array()->size());
        for (const toml::node& item : *from.as_array()) to.items.push_back(convert(item, depth + 1));
        break;
      case toml::node_type::table: convert_table(*from.as_table(), to, depth); break;
      default: to.kind = NodeKind::kTime; break;
    }
    return to;
  }

 private:
  void convert_table(const toml::table& from, Node& to, std::size_t depth) {
    to.kind = NodeKind::kTable;
    to.entries.reserve(from.size());
    for (auto&& [key, value] : from)
      to.entries.push_back(
          {std::string(key.str()), position_of(key.source().begin, source_), convert(value, depth + 1)});
    // The library sorts by name; whoever wrote the file meant his own order.
    std::ranges::sort(to.entries, {}, [](const Entry& entry) { return std::pair(entry.at.line, entry.at.column); });
  }

  std::uint32_t source_;
  bool too_deep_ = false;
};

/// The library's words, made to fit behind "not valid TOML: ".
std::string reason_of(std::string_view description, bool at_line_end) {
  if (description.find("utf-8") != std::string_view::npos) return "the text is not UTF-8 here";
  if (at_line_end && description.find("unescaped control characters") != std::string_view::npos)
    return "not valid TOML: a text in quotes must end on its line; is a quote missing?";
  const bool unquoted = description.find("could not determine value type") != std::string_view::npos ||
                        description.find("expected digit") != std::string_view::npos ||
                        description.find("parsing boolean") != std::string_view::npos;
  for (std::string_view lead : {"Error while ", "Encountered "})
    if (description.starts_with(lead)) description.remove_prefix(lead.size());
  std::string reason = "not valid TOML: ";
  for (char c : description.substr(0, description.find(" (TOML_")))
    reason += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return unquoted ? reason + "; texts, durations and sizes stand in quotes" : reason;
}

void place(Node& node, const Position& at) {
  node.at = at;
  for (Node& item : node.items) place(item, at);
  for (Entry& entry : node.entries) {
    entry.at = at;
    place(entry.node, at);
  }
}

}  // namespace

std::optional<Node> parse(std::string_view text, std::uint32_t source, Report& report) {
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    report.error(position_of(text, nul, source), "the file holds a NUL byte: is it a text file?");
    return std::nullopt;
  }
  if (const std::size_t dot = find_endless_key(text); dot != std::string_view::npos) {
    report.error(position_of(text, dot, source), fmt::format("a key has more than {} parts", kMostKeyParts));
    return std::nullopt;
  }
  if (const std::size_t bad = find_bad_utf8(text); bad != std::string_view::npos) {
    report.error(position_of(text, bad, source), "the text is not UTF-8 here");
    return std::nullopt;
  }
  try {
    const toml::table table = toml::parse(text);
    Converter converter(source);
    Node root = converter.convert(table);
    if (!converter.too_deep()) return root;
    report.error({source, 0, 0}, fmt::format("tables are nested more than {} deep", kMostDepth));
  } catch (const toml::parse_error& error) {
    const Position at = position_of(error.source().begin, source);
    report.error(at, reason_of(error.description(), report.is_line_end(at)));
  }
  return std::nullopt;
}

std::optional<Node> parse_value(std::string_view text, const Position& at) {
  if (text.find_first_of(std::string_view("\0\n\r", 3)) != std::string_view::npos ||
      find_endless_key(text) != std::string_view::npos)
    return std::nullopt;
  try {
    const toml::table table = toml::parse("value = " + std::string(text));
    if (table.size() != 1 || table.begin()->first.str() != "value") return std::nullopt;
    Node node = Converter(at.source).convert(table.begin()->second);
    place(node, at);
    return node;
  } catch (const toml::parse_error&) {
    return std::nullopt;
  }
}

}  // namespace rpx::config
