// Paths: the canonical form is stable, and no lenient server goes where neither it nor the lax form leads.
#include <algorithm>
#include <string>
#include <vector>

#include "fuzz.h"
#include "http/chars.h"
#include "http/h1_parse.h"

using namespace rpx;
using namespace rpx::http;

namespace {

std::string decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned high = i + 2 < text.size() && text[i] == '%' ? look_up(kHexValue, text[i + 1]) : 255U;
    const unsigned low = high < 16 ? look_up(kHexValue, text[i + 2]) : 255U;
    out += low < 16 ? static_cast<char>(high * 16 + low) : text[i];
    if (low < 16) i += 2;
  }
  return out;
}

struct Leniency {
  int decodings;
  bool cuts_parameters;
  bool resolves_dots;
};

/// The segments that a server of this kind sees; "" for none. Backslashes are slashes, NUL ends the path.
std::vector<std::string> segments_of(std::string_view path, const Leniency& how) {
  std::string text(path);
  for (int i = 0; i < how.decodings; ++i) text = decode(text);
  std::replace(text.begin(), text.end(), '\\', '/');
  text = text.substr(0, text.find('\0'));
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('/', at), text.size());
    std::string segment = text.substr(at, end - at);
    if (how.cuts_parameters) segment = segment.substr(0, segment.find(';'));
    at = end + 1;
    if (segment.empty() || segment == ".") continue;
    if (how.resolves_dots && segment == "..") {
      if (!out.empty()) out.pop_back();
    } else {
      out.push_back(segment);
    }
  }
  return out;
}

bool is_below(std::string_view path, std::string_view guarded) {
  return path.starts_with(guarded) && (path.size() == guarded.size() || path[guarded.size()] == '/');
}

void check_guard(std::string_view path, std::string_view lax) {
  // Short, so that mutations find it.
  constexpr std::string_view kGuarded = "/p";
  const bool seen = is_below(path, kGuarded) || is_below(lax, kGuarded);
  for (const int decodings : {0, 1, 2}) {
    for (const bool cuts : {false, true}) {
      const auto segments = segments_of(path, {decodings, cuts, true});
      RPX_CHECK(seen || segments.empty() || segments[0] != kGuarded.substr(1));
      // We resolved all dot segments there are: a server that does must find none.
      RPX_CHECK(segments == segments_of(path, {decodings, cuts, false}));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input = "/" + std::string(fuzz::text_of(data, size));
  Arena arena;
  const auto path = canonical_path(input, arena);
  if (!path) return 0;
  RPX_CHECK(path->starts_with('/') && !path->starts_with("//"));
  for (const char c : *path) RPX_CHECK(look_up(kPath, c) != 0 || c == '%');
  const auto again = canonical_path(*path, arena);
  RPX_CHECK(again && *again == *path && again->data() == path->data());
  const std::string_view lax = lax_path(*path, arena);
  RPX_CHECK(lax.starts_with('/') && lax.size() <= path->size());
  RPX_CHECK(lax.find("//") == std::string_view::npos && lax.find(';') == std::string_view::npos);
  check_guard(*path, lax);
  return 0;
}
