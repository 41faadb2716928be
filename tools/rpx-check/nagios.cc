#include "nagios.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "cli/terminal.h"

namespace rpx::check {
namespace {

constexpr std::array<std::string_view, 4> kWords{"OK", "WARNING", "CRITICAL", "UNKNOWN"};

// The line ends at a newline, and what follows a bar is numbers.
std::string plain(std::string_view text) {
  std::string out(text);
  std::ranges::replace(out, '\n', ' ');
  std::ranges::replace(out, '|', '/');
  return out;
}

}  // namespace

std::string plugin_label(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != '\'' && c != '=' && c != '|' && c != '\n') out += c;
  return "'" + out + "'";
}

int report_plugin(PluginStatus status, const std::string& text, const std::string& performance) {
  const auto code = static_cast<std::size_t>(status);
  cli::write_stdout(
      fmt::format("{} - {}{}{}\n", kWords.at(code), plain(text), performance.empty() ? "" : " | ", performance));
  return static_cast<int>(code);
}

int report_plugin(const Error& error) {
  const bool usage = error.kind == ErrorKind::kUsage || error.kind == ErrorKind::kConfig;
  return report_plugin(usage ? PluginStatus::kUnknown : PluginStatus::kCritical, error.detail);
}

int report_plugin(const std::vector<ServerRow>& rows) {
  std::map<std::string, std::size_t> up;
  std::string trouble;
  std::string performance;
  std::size_t all_up = 0;
  for (const ServerRow& row : rows) {
    std::size_t& count = up[row.upstream];
    performance += fmt::format("{}{}={};;;0", performance.empty() ? "" : " ",
                               plugin_label(row.upstream + " " + row.url), row.active);
    if (row.state == "up") {
      ++count;
      ++all_up;
      continue;
    }
    trouble += fmt::format("{}{} {}{}{}", trouble.empty() ? "" : ", ", row.url, row.state, row.why.empty() ? "" : ": ",
                           row.why);
  }
  const std::string counted = fmt::format("{} of {} servers are up", all_up, rows.size());
  if (trouble.empty()) return report_plugin(PluginStatus::kOk, counted, performance);
  const bool gone = std::ranges::any_of(up, [](const auto& one) { return one.second == 0; });
  return report_plugin(gone ? PluginStatus::kCritical : PluginStatus::kWarning, counted + "; " + trouble, performance);
}

}  // namespace rpx::check
