// What is wrong with a configuration, where, and how it is shown. Filled by everything that reads one; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/tree.h"

namespace rpx::config {

/// One thing that is wrong, or with `warning` merely doubtful.
struct Problem {
  std::string file;          ///< as the user named it; "--set listen[0].address=x" for the command line
  std::uint32_t line = 0;    ///< from 1; 0 = the file as a whole
  std::uint32_t column = 0;  ///< from 1, in characters
  std::string message;       ///< one line
  std::string source_line;   ///< that line of the file; empty where there is none
  bool warning = false;
};

/// `rpx.toml:12:9: message`, the source line, and a caret under the column; without a newline at the end.
/// Control characters and invalid UTF-8 of the file are shown as '?', long lines are cut around the column.
std::string render(const Problem& problem);
/// All of them, each ended by a newline.
std::string render(const std::vector<Problem>& problems);

/// Bytes of the UTF-8 character that `text`, which is not empty, begins with; 0 where it begins with none.
std::size_t utf8_size(std::string_view text) noexcept;
/// `text` between double quotes, cut when long, with control characters made harmless: for messages.
std::string in_quotes(std::string_view text);

/// The sources of one load and the problems found in them.
class Report {
 public:
  struct Source {
    std::string name;       ///< for people
    std::string directory;  ///< absolute; what relative paths in it are relative to
    std::string text;
    std::vector<std::size_t> lines;  ///< where each line begins; filled when first asked for
  };

  /// Returns the index for Position::source.
  std::uint32_t add_source(std::string name, std::string directory, std::string text = {});
  const Source& source(std::uint32_t index) const { return sources_[index]; }
  std::size_t source_count() const noexcept { return sources_.size(); }
  void error(const Position& at, std::string message) { add(at, std::move(message), false); }
  void warning(const Position& at, std::string message) { add(at, std::move(message), true); }
  /// Errors so far; warnings do not count.
  std::size_t errors() const noexcept { return errors_; }
  /// "rpx.toml:12", for messages that name a second place.
  std::string place(const Position& at) const;
  /// Whether `at` is behind the last character of its line.
  bool is_line_end(const Position& at) { return at.column > characters_in(line_of(at)); }
  /// Everything reported, in the order of the sources and of their lines.
  std::vector<Problem> take();

 private:
  struct Found {
    Position at;
    std::string message;
    bool warning;
    std::size_t sequence;
  };
  void add(const Position& at, std::string message, bool warning);
  std::string line_of(const Position& at);
  static std::size_t characters_in(std::string_view line);

  std::vector<Source> sources_;
  std::vector<Found> found_;
  std::size_t errors_ = 0;
};

}  // namespace rpx::config
