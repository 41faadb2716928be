#include "cli/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/text.h"

namespace rpx::cli {

namespace {

constexpr std::pair<std::string_view, Format> kFormats[] = {{"table", Format::kTable},
                                                            {"json", Format::kJson},
                                                            {"ndjson", Format::kNdjson},
                                                            {"csv", Format::kCsv},
                                                            {"plain", Format::kPlain}};

// Without control characters, so that a name taken from a file or a client cannot move the cursor or end the line.
std::string visible(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

std::string text_of(const Cell& cell, std::string_view absent) {
  struct Visitor {
    std::string_view absent;
    std::string operator()(std::monostate) const { return std::string(absent); }
    std::string operator()(const std::string& value) const { return visible(value); }
    std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
    std::string operator()(std::uint64_t value) const { return fmt::format("{}", value); }
    std::string operator()(double value) const { return fmt::format("{}", value); }
    std::string operator()(bool value) const { return value ? "yes" : "no"; }
  };
  return std::visit(Visitor{absent}, cell);
}

void append_json(std::string& out, const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) {
    out += '"';
    append_json_escaped(out, *text);
    out += '"';
  } else if (const auto* truth = std::get_if<bool>(&cell)) {
    out += *truth ? "true" : "false";
  } else if (const auto* real = std::get_if<double>(&cell); real != nullptr && !std::isfinite(*real)) {
    out += "null";
  } else {
    out += text_of(cell, "null");
  }
}

// RFC 4180: quoted when it holds a separator, a quote or a line end; raw line ends are kept, they are data here.
std::string csv_field(const Cell& cell) {
  std::string text;
  if (const auto* held = std::get_if<std::string>(&cell)) {
    text = *held;
  } else if (const auto* truth = std::get_if<bool>(&cell)) {
    text = *truth ? "true" : "false";
  } else {
    text = text_of(cell, "");
  }
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

// Columns of the terminal a UTF-8 text takes, one a code point; near enough for names and addresses.
std::size_t width_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

void append_padded(std::string& line, std::string_view text, std::size_t width, bool right) {
  const std::string padding(width - std::min(width, width_of(text)), ' ');
  if (right) line += padding;
  line += text;
  if (!right) line += padding;
}

std::string heading_of(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c == '_') c = ' ';
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c & ~0x20);
  }
  return out;
}

}  // namespace

std::optional<Format> parse_format(std::string_view name) noexcept {
  for (const auto& [known, format] : kFormats) {
    if (known == name) return format;
  }
  return std::nullopt;
}

void Records::add(std::vector<Cell> row) {
  RPX_CHECK(row.size() == columns_.size());
  rows_.push_back(std::move(row));
}

std::string Records::render(Format format, bool color) const {
  switch (format) {
    case Format::kJson: return render_json(false);
    case Format::kNdjson: return render_json(true);
    case Format::kCsv: return render_lines(',');
    case Format::kPlain: return render_lines('\t');
    case Format::kAuto:
    case Format::kTable: break;
  }
  return render_table(color);
}

std::string Records::render_table(bool color) const {
  if (rows_.empty()) return {};
  std::vector<std::vector<std::string>> lines(1);
  for (const Column& column : columns_) lines[0].push_back(heading_of(column.name));
  for (const auto& row : rows_) {
    auto& line = lines.emplace_back();
    for (const Cell& cell : row) line.push_back(text_of(cell, "-"));
  }
  std::vector<std::size_t> widths(columns_.size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], width_of(line[i]));
  }
  std::string out;
  for (std::size_t row = 0; row < lines.size(); ++row) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) line += "  ";
      append_padded(line, lines[row][i], widths[i], columns_[i].right);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += row == 0 && color ? fmt::format("\x1b[2m{}\x1b[0m\n", line) : line + '\n';
  }
  return out;
}

std::string Records::render_lines(char separator) const {
  const bool is_csv = separator == ',';
  std::string out;
  if (is_csv) {
    for (std::size_t i = 0; i < columns_.size(); ++i) out += (i > 0 ? "," : "") + columns_[i].name;
    out += '\n';
  }
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) out += separator;
      out += is_csv ? csv_field(row[i]) : text_of(row[i], "");
    }
    out += '\n';
  }
  return out;
}

std::string Records::render_json(bool one_a_line) const {
  std::string out = one_a_line ? "" : "[";
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    if (row > 0 && !one_a_line) out += ',';
    out += '{';
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) out += ',';
      out += '"';
      append_json_escaped(out, columns_[i].name);
      out += "\":";
      append_json(out, rows_[row][i]);
    }
    out += one_a_line ? "}\n" : "}";
  }
  return one_a_line ? out : out + "]\n";
}

std::string format_count(std::uint64_t value) {
  std::string digits = fmt::format("{}", value);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

}  // namespace rpx::cli
