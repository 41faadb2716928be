// Walks a tree along the key tables: fills options and reports every problem on the way. One thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/error.h"
#include "config/key.h"
#include "config/problem.h"

namespace rpx::config {

/// Past so many errors nobody reads suggestions, and to look for them would only cost time.
inline constexpr std::size_t kMostSuggestions = 100;

class Reader {
 public:
  /// With `check_files`, files that the configuration names must be readable and users must exist.
  Reader(Report& report, bool check_files) : report_(report), check_files_(check_files) {}

  Report& report() noexcept { return report_; }
  bool check_files() const noexcept { return check_files_; }

  /// Reads the keys of `section` that `table` holds into `object`, in the order of the rows; members whose keys are
  /// missing keep their values.
  void read_table(const Section& section, const Node& table, void* object);
  /// Reads one value.
  void read_value(const Key& key, const Node& node, void* object);

  /// "must be a duration such as "30s", not an integer".
  void wrong_type(const Key& key, const Node& node);
  /// `bad grace "30": expected …`.
  void bad_value(const Key& key, const Node& node, std::string_view complaint);
  /// Whether the row's choices and check, and a check of our own, like `text`; says why not.
  bool check_text(const Key& key, const Node& node, std::string_view text);
  /// Reports the error at the value below `table` the path of `names` leads to, as far as it goes.
  void error_at(const Node& table, std::initializer_list<std::string_view> names, std::string message);
  /// `path` relative to the file `node` stands in, made absolute.
  std::string absolute(const Node& node, std::string_view path) const;

 private:
  /// Reports it; returns the key that was probably meant, or nothing.
  std::string_view unknown_key(const Section& section, const Entry& entry);

  Report& report_;
  bool check_files_;
};

/// "x" is not yet supported by this version of rpx.
std::string not_yet(std::string_view what);

}  // namespace rpx::config
