#include "proxy/path_table.h"

namespace rpx::proxy {

void PathTable::add(const PathPattern& pattern, std::uint32_t route, std::size_t conditions) {
  const Entry entry{route, static_cast<std::uint32_t>(conditions)};
  const std::string_view text = pattern.text();
  switch (pattern.kind()) {
    case PathPattern::Kind::kExact:
      exact_[std::string(text)].push_back(entry);
      longest_exact_ = std::max(longest_exact_, text.size());
      return;
    case PathPattern::Kind::kRegex: regexes_.push_back({pattern, entry}); return;
    case PathPattern::Kind::kPrefix:
      if (text.empty()) {
        root_.push_back(entry);
        return;
      }
      prefixes_[std::string(text)].push_back(entry);
      longest_prefix_ = std::max(longest_prefix_, text.size());
  }
}

void PathTable::sort() {
  for (auto& [path, entries] : exact_) std::ranges::sort(entries, goes_before);
  for (auto& [path, entries] : prefixes_) std::ranges::sort(entries, goes_before);
  std::ranges::sort(root_, goes_before);
  std::ranges::sort(regexes_, [](const Regex& a, const Regex& b) { return goes_before(a.entry, b.entry); });
}

}  // namespace rpx::proxy
