// Answers as records, shown as the user asked: a table for a terminal, tab-separated lines for a pipe, JSON, NDJSON or
// CSV. Pure: builds text, prints nothing. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rpx::cli {

/// kAuto is a table on a terminal and kPlain elsewhere.
enum class Format { kAuto, kTable, kJson, kNdjson, kCsv, kPlain };

/// "table" "json" "ndjson" "csv" "plain".
std::optional<Format> parse_format(std::string_view name) noexcept;

/// A value of a record. monostate is absent: null in JSON, "-" in a table, empty elsewhere.
using Cell = std::variant<std::monostate, std::string, std::int64_t, std::uint64_t, double, bool>;

struct Column {
  std::string name;    ///< the field's name in JSON and CSV; its heading is the same in capitals
  bool right = false;  ///< numbers stand to the right
};

/// Records of one kind. Every row has as many cells as there are columns.
class Records {
 public:
  explicit Records(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<Cell> row);
  bool empty() const noexcept { return rows_.empty(); }

  /// The text to print, ended by a newline unless empty. `format` kAuto is resolved by the caller. `color` dims
  /// headings.
  std::string render(Format format, bool color = false) const;

 private:
  std::string render_table(bool color) const;
  std::string render_lines(char separator) const;
  std::string render_json(bool one_a_line) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

/// "1,234,567".
std::string format_count(std::uint64_t value);

}  // namespace rpx::cli
