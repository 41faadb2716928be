// The key tables as text for people: the file to begin with, and the list in the man page.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "config/config.h"
#include "config/keys.h"
#include "config/kinds.h"

namespace rpx::config {
namespace {

constexpr std::string_view kHead =
    R"(# rpx.toml: configuration of rpx-serve. Every key is here, at its default; keep what you change.
#
# Durations: "250ms" "30s" "5m" "1h" "7d". Sizes: "16KiB" "10MB". Paths are relative to this file.
# ${NAME} and ${NAME:-default} in a text read the environment. `rpx-serve check` tells what is wrong.
)";

/// "integer, 1 to 65535", "text: http", …
std::string type_of(const Key& key) {
  std::string type(key.kind->name);
  if (key.extra.most > 0 && key.kind != &kSize) type += fmt::format(", {} to {}", key.extra.least, key.extra.most);
  if (key.extra.most > 0 && key.kind == &kSize)
    type += fmt::format(", {} to {}", format_size(key.extra.least), format_size(key.extra.most));
  if (!key.extra.unit.empty()) type += fmt::format(" {}", key.extra.unit);
  return type;
}

std::span<const Key> own_keys(const Section& section) {
  return section.keys.first(std::min(section.keys.size(), section.own_keys));
}

std::string header_of(const Section& section, const std::string& path) {
  if (section.shape == Shape::kTables) return fmt::format("[[{}]]", path);
  if (section.shape == Shape::kNamed) return fmt::format("[{}.app]", path);
  return fmt::format("[{}]", path);
}

/// `text` as comment lines.
std::string comment(std::string_view text) {
  constexpr std::size_t kWidth = 98;
  std::string out;
  while (text.size() > kWidth) {
    const std::size_t blank = text.rfind(' ', kWidth);
    if (blank == std::string_view::npos) break;
    out += fmt::format("# {}\n", text.substr(0, blank));
    text.remove_prefix(blank + 1);
  }
  return out + fmt::format("# {}\n", text);
}

void append_init_key(std::string& out, const Key& key, bool commented) {
  constexpr std::size_t kColumn = 34;
  constexpr std::size_t kWidth = 110;
  const bool unset = key.standard.empty() && key.extra.start.empty();
  const std::string_view value = !key.extra.start.empty() ? key.extra.start : unset ? key.extra.example : key.standard;
  std::string line = fmt::format("{}{} = {}", unset || commented ? "# " : "", key.name, value);
  if (std::max(line.size(), kColumn) + key.help.size() > kWidth) {
    out += comment(key.help);
  } else {
    if (line.size() < kColumn) line.resize(kColumn, ' ');
    line += fmt::format("  # {}", key.help);
  }
  out += line + '\n';
}

void append_init_section(std::string& out, const Section& section, const std::string& path, bool commented) {
  out += fmt::format("\n{}{}{}\n", comment(section.help), commented ? "# " : "", header_of(section, path));
  const std::span<const Key> own = own_keys(section);
  for (const Key& key : own)
    if (key.kind != nullptr && key.kind != &kTable) append_init_key(out, key, commented);
  // Written out here they would hide what [defaults] says.
  if (own.size() < section.keys.size()) out += "# and every key of [defaults]\n";
  const std::string inner = section.shape == Shape::kNamed ? path + ".app" : path;
  for (const Key& key : own) {
    if (key.kind != &kTable) continue;
    // What a route may do without has no default: it is shown as a comment.
    append_init_section(out, *key.section, fmt::format("{}.{}", inner, key.name), commented || key.field.optional);
  }
}

/// Text that roff takes as it is.
std::string roff(std::string_view text) {
  static constexpr std::pair<char, std::string_view> kEscapes[] = {
      {'\\', "\\e"}, {'-', "\\-"}, {'"', "\\(dq"}, {'\'', "\\(aq"}, {'`', "\\(ga"}, {'~', "\\(ti"}, {'^', "\\(ha"}};
  std::string out;
  for (char c : text) {
    const auto* escape = std::ranges::find(kEscapes, c, &std::pair<char, std::string_view>::first);
    if (escape == std::end(kEscapes))
      out += c;
    else
      out += escape->second;
  }
  return out.starts_with('.') ? "\\&" + out : out;
}

void append_man_section(std::string& out, const Section& section, const std::string& path) {
  const std::string name = section.shape == Shape::kTables  ? fmt::format("[[{}]]", path)
                           : section.shape == Shape::kNamed ? fmt::format("[{}.NAME]", path)
                                                            : fmt::format("[{}]", path);
  out += fmt::format(".SS {}\n{}\n", roff(name), roff(section.help));
  const std::span<const Key> own = own_keys(section);
  if (own.size() < section.keys.size()) out += "Also every key of [defaults].\n";
  for (const Key& key : own) {
    if (key.kind == nullptr || key.kind == &kTable) continue;
    const std::string value = !key.standard.empty()        ? fmt::format("= {}", key.standard)
                              : !key.extra.example.empty() ? fmt::format("(no default; such as {})", key.extra.example)
                                                           : std::string();
    out +=
        fmt::format(".TP\n.BR {} \" {}\"\n{} ({})\n", roff(key.name), roff(value), roff(key.help), roff(type_of(key)));
  }
  const std::string inner = section.shape == Shape::kNamed ? path + ".NAME" : path;
  for (const Key& key : own)
    if (key.kind != nullptr && key.section != nullptr)
      append_man_section(out, *key.section, fmt::format("{}.{}", inner, key.name));
}

}  // namespace

std::string init_file() {
  std::string out(kHead);
  for (const Key& row : kFile.keys)
    if (row.kind != nullptr && row.section == nullptr)
      out += fmt::format("\n# {}\n{} = {}\n", row.help, row.name, row.standard);
  for (const Key& row : kFile.keys)
    if (row.kind != nullptr && row.section != nullptr)
      append_init_section(out, *row.section, std::string(row.name), row.section->optional);
  return out;
}

std::string man_keys() {
  std::string out;
  out += ".SS The file\n";
  for (const Key& row : kFile.keys)
    if (row.kind != nullptr && row.section == nullptr)
      out += fmt::format(".TP\n.BR {} \" = {}\"\n{} ({})\n", roff(row.name), roff(row.standard), roff(row.help),
                         roff(type_of(row)));
  for (const Key& row : kFile.keys)
    if (row.kind != nullptr && row.section != nullptr) append_man_section(out, *row.section, std::string(row.name));
  return out;
}

}  // namespace rpx::config
