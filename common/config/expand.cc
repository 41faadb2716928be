#include "config/expand.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

namespace rpx::config {
namespace {

bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name(std::string_view name) {
  return !name.empty() && begins_name(name[0]) &&
         std::ranges::all_of(name, [](char c) { return begins_name(c) || (c >= '0' && c <= '9'); });
}

/// The value of what stands between "${" and "}".
std::expected<std::string, std::string> value_of(std::string_view inside, const Environment& environment) {
  const std::size_t colon = inside.find(":-");
  const std::string name(inside.substr(0, colon));
  if (!is_name(name))
    return std::unexpected(
        fmt::format("bad variable {}: expected ${{NAME}} or ${{NAME:-default}}; $${{ stands for ${{ itself",
                    in_quotes(fmt::format("${{{}}}", inside))));
  std::optional<std::string> value = environment(name);
  if (value && (!value->empty() || colon == std::string_view::npos)) return *std::move(value);
  if (colon != std::string_view::npos) return std::string(inside.substr(colon + 2));
  return std::unexpected(fmt::format("environment variable {} is not set; ${{{}:-value}} gives a default", name, name));
}

}  // namespace

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nothing here sets variables
  return value ? std::optional<std::string>(value) : std::nullopt;
}

std::expected<std::string, std::string> expand(std::string_view text, const Environment& environment) {
  std::string out;
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    out += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar);
    if (text.starts_with("$${")) {
      out += "${";
      text.remove_prefix(3);
    } else if (text.size() > 2 && text[1] == '{' && begins_name(text[2])) {
      const std::size_t end = text.find('}');
      if (end == std::string_view::npos)
        return std::unexpected(fmt::format("{} has no closing brace", in_quotes(text.substr(0, 20))));
      auto value = value_of(text.substr(2, end - 2), environment);
      if (!value) return value;
      out += *value;
      text.remove_prefix(end + 1);
    } else {
      out += '$';
      text.remove_prefix(1);
    }
  }
  return out;
}

void expand_tree(Node& node, const Environment& environment, Report& report) {
  if (node.kind == NodeKind::kText && node.text.find('$') != std::string::npos) {
    auto value = expand(node.text, environment);
    if (!value) {
      node.broken = true;
      return report.error(node.at, std::move(value).error());
    }
    if (*value != node.text) {
      node.text = *std::move(value);
      node.loose = true;
    }
  }
  for (Node& item : node.items) expand_tree(item, environment, report);
  for (Entry& entry : node.entries) expand_tree(entry.node, environment, report);
}

}  // namespace rpx::config
