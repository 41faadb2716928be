#include "config/problem.h"

#include <algorithm>

#include <fmt/format.h>

namespace rpx::config {
namespace {

constexpr std::size_t kMostShown = 100;        // problems; a file of junk must not answer with a flood
constexpr std::size_t kShownCharacters = 160;  // of a source line
constexpr std::size_t kShownBefore = 80;       // the column
constexpr std::size_t kQuotedBytes = 80;

/// The characters of `text`, each either itself or a harmless stand-in.
std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t size = utf8_size(text);
    // C1 controls can steer a terminal as well as C0 ones.
    const bool control = static_cast<unsigned char>(text[0]) < 0x20 || text[0] == 0x7f ||
                         (size == 2 && text[0] == '\xc2' && static_cast<unsigned char>(text[1]) < 0xa0);
    out.push_back(size == 0 || (control && text[0] != '\t') ? std::string_view("?") : text.substr(0, size));
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

}  // namespace

std::size_t utf8_size(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t size = first < 0x80                     ? 1
                           : first >= 0xc2 && first <= 0xdf ? 2
                           : first >= 0xe0 && first <= 0xef ? 3
                           : first >= 0xf0 && first <= 0xf4 ? 4
                                                            : 0;
  if (size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  return size;
}

std::string render(const Problem& problem) {
  std::string out = problem.file;
  if (problem.line > 0) fmt::format_to(std::back_inserter(out), ":{}:{}", problem.line, problem.column);
  out += problem.warning ? ": warning: " : ": ";
  out += problem.message;
  if (problem.line == 0 || problem.source_line.empty()) return out;

  const std::vector<std::string_view> line = characters(problem.source_line);
  const std::size_t column = std::min<std::size_t>(problem.column > 0 ? problem.column - 1 : 0, line.size());
  const bool cut = line.size() > kShownCharacters;
  const std::size_t begin = cut && column > kShownBefore ? column - kShownBefore : 0;
  const std::size_t end = cut ? std::min(begin + kShownCharacters, line.size()) : line.size();
  out += '\n';
  std::string caret;
  if (begin > 0) {
    out += "…";
    caret += ' ';
  }
  for (std::size_t i = begin; i < end; ++i) {
    out += line[i];
    if (i < column) caret += line[i] == "\t" ? '\t' : ' ';
  }
  if (end < line.size()) out += "…";
  return out + '\n' + caret + '^';
}

std::string render(const std::vector<Problem>& problems) {
  std::string out;
  for (const Problem& problem : problems) {
    out += render(problem);
    out += '\n';
  }
  return out;
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (std::string_view character : characters(text)) {
    if (out.size() > kQuotedBytes) {
      out += "…";
      break;
    }
    out += character == "\t" ? " " : character;
  }
  return out + '"';
}

std::uint32_t Report::add_source(std::string name, std::string directory, std::string text) {
  sources_.push_back({std::move(name), std::move(directory), std::move(text), {}});
  return static_cast<std::uint32_t>(sources_.size() - 1);
}

void Report::add(const Position& at, std::string message, bool warning) {
  if (!warning) ++errors_;
  found_.push_back({at, std::move(message), warning, found_.size()});
}

std::string Report::place(const Position& at) const {
  const std::string& name = sources_[at.source].name;
  return at.line == 0 ? name : fmt::format("{}:{}", name, at.line);
}

std::string Report::line_of(const Position& at) {
  Source& source = sources_[at.source];
  if (at.line == 0) return {};
  if (source.lines.empty()) {
    source.lines.push_back(0);
    for (std::size_t i = source.text.find('\n'); i != std::string::npos; i = source.text.find('\n', i + 1))
      source.lines.push_back(i + 1);
  }
  if (at.line > source.lines.size()) return {};
  const std::size_t begin = source.lines[at.line - 1];
  std::string line = source.text.substr(begin, source.text.find('\n', begin) - begin);
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

std::size_t Report::characters_in(std::string_view line) { return characters(line).size(); }

std::vector<Problem> Report::take() {
  std::ranges::sort(found_, {}, [](const Found& found) {
    // What concerns a file as a whole reads best behind what is wrong in its lines.
    return std::tuple(found.at.source, found.at.line == 0, found.at.line, found.at.column, found.sequence);
  });
  std::vector<Problem> problems;
  for (const Found& found : found_) {
    if (problems.size() == kMostShown) {
      problems.push_back({.file = sources_[found.at.source].name,
                          .message = fmt::format("{} more problems are not shown", found_.size() - kMostShown),
                          .warning = errors_ == 0});
      break;
    }
    problems.push_back({sources_[found.at.source].name, found.at.line, found.at.column, found.message,
                        line_of(found.at), found.warning});
  }
  found_.clear();
  return problems;
}

}  // namespace rpx::config
