#include "cache/groups.h"

#include "base/text.h"

namespace rpx::cache {
namespace {

constexpr std::size_t kMostGroups = 128;
constexpr std::size_t kLongestGroup = 128;

void skip_blanks(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

// A string in quotes (RFC 9651 section 4.2.5), taken off `text`.
bool take_string(std::string_view& text, std::string& out) {
  if (!text.starts_with('"')) return false;
  for (std::size_t at = 1; at < text.size(); ++at) {
    char c = text[at];
    if (c == '"') {
      text.remove_prefix(at + 1);
      return true;
    }
    if (c == '\\') {
      ++at;
      if (at == text.size() || (text[at] != '"' && text[at] != '\\')) return false;
      c = text[at];
    }
    if (c < 0x20 || c > 0x7e) return false;
    out += c;
  }
  return false;
}

// Parameters mean nothing here (RFC 9875 section 2), and end at the next comma: values with commas are not let in.
bool skip_parameters(std::string_view& text) {
  while (text.starts_with(';')) {
    const std::size_t end = text.find_first_of(",;", 1);
    if (text.substr(1, end == std::string_view::npos ? end : end - 1).find('"') != std::string_view::npos) return false;
    text.remove_prefix(std::min(end, text.size()));
  }
  return true;
}

bool read_list(std::string_view text, std::vector<std::string>& out) {
  skip_blanks(text);
  while (!text.empty()) {
    std::string name;
    if (!take_string(text, name) || !skip_parameters(text)) return false;
    if (name.size() <= kLongestGroup && out.size() < kMostGroups) out.push_back(std::move(name));
    skip_blanks(text);
    if (text.empty()) return true;
    if (!text.starts_with(',')) return false;
    text.remove_prefix(1);
    skip_blanks(text);
    if (text.empty()) return false;
  }
  return true;
}

}  // namespace

std::vector<std::string> groups_in(const http::Headers& headers, std::string_view name) {
  std::vector<std::string> out;
  for (const http::Field& field : headers)
    if (field.name.size() == name.size() && iequals(field.name, name) && !read_list(field.value, out)) return {};
  return out;
}

}  // namespace rpx::cache
