// Nodes written as TOML and as JSON.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "config/tree.h"

namespace rpx::config {
namespace {

bool is_bare_key(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

void append_quoted(std::string& out, std::string_view text, bool escape_variables) {
  out += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (escape_variables && text.substr(i, 2) == "${") {
      // "${1}" of a rewrite names no variable, and reads better as it is; behind another '$' it would be an escape.
      const bool group =
          i + 2 < text.size() && text[i + 2] >= '0' && text[i + 2] <= '9' && (i == 0 || text[i - 1] != '$');
      if (!group) out += '$';
    }
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
          fmt::format_to(std::back_inserter(out), "\\u{:04X}", static_cast<unsigned char>(c));
        else
          out += c;
    }
  }
  out += '"';
}

void append_key(std::string& out, std::string_view name) {
  if (is_bare_key(name))
    out += name;
  else
    append_quoted(out, name, false);
}

std::string_view shown_text(const Node& node) noexcept {
  return node.secret && !node.text.empty() ? std::string_view("***") : std::string_view(node.text);
}

void append_value(std::string& out, const Node& node) {
  const auto each = [&](const auto& range, std::string_view open, std::string_view close, auto&& write) {
    out += open;
    for (std::size_t i = 0; i < range.size(); ++i) {
      if (i > 0) out += ", ";
      write(range[i]);
    }
    out += close;
  };
  switch (node.kind) {
    case NodeKind::kText: append_quoted(out, shown_text(node), true); break;
    case NodeKind::kInteger: fmt::format_to(std::back_inserter(out), "{}", node.integer); break;
    case NodeKind::kBool: out += node.boolean ? "true" : "false"; break;
    case NodeKind::kFloat:
    case NodeKind::kTime:
    case NodeKind::kRaw: out += node.text; break;
    case NodeKind::kList: each(node.items, "[", "]", [&](const Node& item) { append_value(out, item); }); break;
    case NodeKind::kTable:
      if (node.entries.empty()) {
        out += "{}";
        break;
      }
      each(node.entries, "{ ", " }", [&](const Entry& entry) {
        append_key(out, entry.name);
        out += " = ";
        append_value(out, entry.node);
      });
      break;
  }
}

bool is_list_of_tables(const Node& node) {
  return node.kind == NodeKind::kList && !node.items.empty() &&
         std::ranges::all_of(node.items, [](const Node& item) { return item.kind == NodeKind::kTable; });
}

bool has_plain_values(const Node& table) {
  return std::ranges::any_of(table.entries, [](const Entry& entry) { return entry.node.kind != NodeKind::kTable; });
}

void append_lines(std::string& out, const Node& table, bool tables_too) {
  std::size_t width = 0;
  for (const Entry& entry : table.entries)
    if (tables_too || entry.node.kind != NodeKind::kTable) width = std::max(width, entry.name.size());
  for (const Entry& entry : table.entries) {
    if (!tables_too && entry.node.kind == NodeKind::kTable) continue;
    const std::size_t begin = out.size();
    append_key(out, entry.name);
    if (const std::size_t written = out.size() - begin; written < width) out.append(width - written, ' ');
    out += " = ";
    append_value(out, entry.node);
    out += '\n';
  }
}

void append_header(std::string& out, std::string_view open, std::string_view path, std::string_view close) {
  if (!out.empty()) out += '\n';
  out += open;
  out += path;
  out += close;
  out += '\n';
}

void append_section(std::string& out, const std::string& path, const Node& table) {
  if (has_plain_values(table)) {
    append_header(out, "[", path, "]");
    append_lines(out, table, false);
  }
  for (const Entry& entry : table.entries) {
    if (entry.node.kind != NodeKind::kTable) continue;
    std::string inner = path + '.';
    append_key(inner, entry.name);
    append_section(out, inner, entry.node);
  }
}

void append_json(std::string& out, const Node& node, std::size_t indent) {
  const auto line = [&](std::size_t depth) {
    out += '\n';
    out.append(depth * 2, ' ');
  };
  const auto text = [&](std::string_view value) {
    out += '"';
    append_json_escaped(out, value);
    out += '"';
  };
  if (!node.json.empty()) {
    out += node.json;
    return;
  }
  if (node.kind == NodeKind::kText) return text(shown_text(node));
  if (node.kind == NodeKind::kTable && !node.entries.empty()) {
    out += '{';
    for (std::size_t i = 0; i < node.entries.size(); ++i) {
      if (i > 0) out += ',';
      line(indent + 1);
      text(node.entries[i].name);
      out += ": ";
      append_json(out, node.entries[i].node, indent + 1);
    }
    line(indent);
    out += '}';
  } else if (node.kind == NodeKind::kList && !node.items.empty()) {
    out += '[';
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      if (i > 0) out += ',';
      line(indent + 1);
      append_json(out, node.items[i], indent + 1);
    }
    line(indent);
    out += ']';
  } else {
    append_value(out, node);
  }
}

}  // namespace

std::string to_toml_value(const Node& node) {
  std::string out;
  append_value(out, node);
  return out;
}

std::string to_toml(const Node& root) {
  std::string out;
  for (const Entry& entry : root.entries) {
    if (entry.node.kind == NodeKind::kTable || is_list_of_tables(entry.node)) continue;
    append_key(out, entry.name);
    out += " = ";
    append_value(out, entry.node);
    out += '\n';
  }
  for (const Entry& entry : root.entries) {
    std::string path;
    append_key(path, entry.name);
    if (entry.node.kind == NodeKind::kTable) append_section(out, path, entry.node);
    if (!is_list_of_tables(entry.node)) continue;
    for (const Node& item : entry.node.items) {
      append_header(out, "[[", path, "]]");
      append_lines(out, item, true);
    }
  }
  return out;
}

std::string to_json(const Node& root) {
  std::string out;
  append_json(out, root, 0);
  out += '\n';
  return out;
}

}  // namespace rpx::config
