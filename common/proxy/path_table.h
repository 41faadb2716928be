// The routes of one host by path, in the order they are tried. Used by proxy/router alone. Immutable once
// sorted, then any thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proxy/path_pattern.h"

namespace rpx::proxy {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
};
template <class Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

class PathTable {
 public:
  /// Adds the route with number `route`, which asks `conditions` things beside the path.
  void add(const PathPattern& pattern, std::uint32_t route, std::size_t conditions);
  /// To be called once, after the last add().
  void sort();

  /// The first route for `path` that `accept` takes, or -1: exact paths, then regexes, then prefixes from the longest
  /// to the shortest; among equals those with more conditions, then the order of the file.
  template <class Accept>
  int first(std::string_view path, const Accept& accept) const {
    if (!exact_.empty() && path.size() <= longest_exact_) {
      if (const auto found = exact_.find(path); found != exact_.end())
        if (const int route = first_of(found->second, accept); route >= 0) return route;
    }
    for (const Regex& regex : regexes_)
      if (regex.pattern.matches(path) && accept(regex.entry.route)) return static_cast<int>(regex.entry.route);
    if (!prefixes_.empty())
      if (const int route = first_prefix(path, accept); route >= 0) return route;
    return first_of(root_, accept);
  }

 private:
  struct Entry {
    std::uint32_t route;
    std::uint32_t conditions;
  };
  struct Regex {
    PathPattern pattern;
    Entry entry;
  };
  static bool goes_before(const Entry& a, const Entry& b) noexcept {
    return a.conditions != b.conditions ? a.conditions > b.conditions : a.route < b.route;
  }

  template <class Accept>
  static int first_of(const std::vector<Entry>& entries, const Accept& accept) {
    for (const Entry& entry : entries)
      if (accept(entry.route)) return static_cast<int>(entry.route);
    return -1;
  }
  template <class Accept>
  int first_prefix(std::string_view path, const Accept& accept) const {
    // A prefix ends where the path does or before a '/'. None is longer than longest_prefix_, so that a path of
    // nothing but slashes costs no more look-ups than the configuration has letters.
    if (path.size() > longest_prefix_) {
      const std::size_t cut = path.rfind('/', longest_prefix_);
      if (cut == std::string_view::npos) return -1;
      path = path.substr(0, cut);
    }
    while (!path.empty()) {
      if (const auto found = prefixes_.find(path); found != prefixes_.end())
        if (const int route = first_of(found->second, accept); route >= 0) return route;
      const std::size_t cut = path.rfind('/');
      if (cut == std::string_view::npos) return -1;
      path = path.substr(0, cut);
    }
    return -1;
  }

  TextMap<std::vector<Entry>> exact_;
  std::vector<Regex> regexes_;
  TextMap<std::vector<Entry>> prefixes_;
  std::vector<Entry> root_;  // "/*"
  std::size_t longest_exact_ = 0;
  std::size_t longest_prefix_ = 0;
};

}  // namespace rpx::proxy
