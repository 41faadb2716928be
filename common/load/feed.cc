#include "load/feed.h"

#include <Poco/Dynamic/Var.h>
#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "base/text.h"

namespace rpx::load {
namespace {

Error bad_row(std::string_view name, std::size_t line, std::string_view why) {
  return {ErrorKind::kUsage, Side::kSelf, fmt::format("{}:{}: {}", name, line, why)};
}

// Takes one record off `text`; a field in quotes may hold line ends, which `line` counts.
Result<std::vector<std::string>> take_record(std::string_view& text, std::string_view name, std::size_t& line) {
  std::vector<std::string> out(1);
  std::size_t at = 0;
  bool quoted = false;
  const std::size_t first_line = line;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\n') ++line;
    if (quoted) {
      if (c != '"') {
        out.back() += c;
      } else if (at + 1 < text.size() && text[at + 1] == '"') {
        out.back() += text[++at];
      } else {
        quoted = false;
      }
    } else if (c == '"' && out.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      out.emplace_back();
    } else if (c == '\n') {
      break;
    } else if (c != '\r') {
      out.back() += c;
    }
  }
  if (quoted) return std::unexpected(bad_row(name, first_line, "a quote is not closed"));
  text.remove_prefix(std::min(at + 1, text.size()));
  return out;
}

Status read_csv(std::string_view text, std::string_view name, std::vector<std::string>& columns,
                std::vector<std::vector<std::string>>& rows) {
  std::size_t line = 1;
  RPX_TRY(columns, take_record(text, name, line));
  for (std::string& column : columns) column = std::string(trim(column));
  while (!text.empty()) {
    const std::size_t at = line;
    RPX_TRY(std::vector<std::string> row, take_record(text, name, line));
    if (row.size() == 1 && row[0].empty()) continue;
    if (row.size() != columns.size())
      return std::unexpected(
          bad_row(name, at, fmt::format("{} values where the first line names {}", row.size(), columns.size())));
    rows.push_back(std::move(row));
  }
  return {};
}

Status read_json(std::string_view text, std::string_view name, std::vector<std::string>& columns,
                 std::vector<std::vector<std::string>>& rows) {
  std::size_t line = 0;
  for (const std::string_view one : split(text, '\n')) {
    ++line;
    if (trim(one).empty() || trim(one) == "\r") continue;
    try {
      Poco::JSON::Parser parser;
      const auto object = parser.parse(std::string(one)).extract<Poco::JSON::Object::Ptr>();
      if (columns.empty())
        for (const auto& [key, value] : *object) columns.push_back(key);
      std::vector<std::string>& row = rows.emplace_back();
      for (const std::string& column : columns)
        row.push_back(object->has(column) && !object->isNull(column) ? object->get(column).convert<std::string>() : "");
    } catch (const Poco::Exception&) {
      return std::unexpected(bad_row(name, line, "no JSON object"));
    }
  }
  return {};
}

}  // namespace

Result<Feed> Feed::parse(std::string_view text, std::string_view name) {
  Feed out;
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') {
    RPX_TRY_VOID(read_json(text, name, out.columns_, out.rows_));
  } else {
    RPX_TRY_VOID(read_csv(text, name, out.columns_, out.rows_));
  }
  if (out.rows_.empty()) return std::unexpected(bad_row(name, 1, "no rows"));
  return out;
}

std::size_t Feed::find(std::string_view column) const noexcept {
  const auto found = std::ranges::find(columns_, column);
  return found == columns_.end() ? npos : static_cast<std::size_t>(found - columns_.begin());
}

}  // namespace rpx::load
