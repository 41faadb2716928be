#include <cctype>

#include "parsed.h"

using namespace rpx;
using namespace rpx::http;
using namespace std::string_view_literals;

namespace {

/// The canonical form, or "refused".
std::string canonical(std::string_view path) {
  Arena arena;
  const auto result = canonical_path(path, arena);
  return result ? std::string(*result) : "refused";
}

/// What a lenient server would read of the canonical form, or "refused".
std::string lax(std::string_view path) {
  Arena arena;
  const auto result = canonical_path(path, arena);
  return result ? std::string(lax_path(*result, arena)) : "refused";
}

std::string decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && std::isxdigit(static_cast<unsigned char>(text[i + 1])) != 0 &&
        std::isxdigit(static_cast<unsigned char>(text[i + 2])) != 0) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// A server of the kind that makes path guards leak: decodes twice, takes backslashes for slashes, stops at NUL, cuts
/// parameters, drops empty segments and resolves dots.
std::string where_a_lenient_server_goes(std::string_view path) {
  std::string text = decode(decode(path));
  for (char& c : text)
    if (c == '\\') c = '/';
  text = text.substr(0, text.find('\0'));
  std::vector<std::string> segments;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('/', at), text.size());
    std::string segment = text.substr(at, end - at);
    segment = segment.substr(0, segment.find(';'));
    if (segment == ".." && !segments.empty())
      segments.pop_back();
    else if (!segment.empty() && segment != "." && segment != "..")
      segments.push_back(segment);
    at = end + 1;
  }
  std::string out;
  for (const std::string& segment : segments) out += "/" + segment;
  return out.empty() ? "/" : out;
}

bool is_below(std::string_view path, std::string_view guarded) {
  return path.starts_with(guarded) && (path.size() == guarded.size() || path[guarded.size()] == '/');
}

}  // namespace

TEST_CASE("canonical_path: what is canonical stays where it is", "[http][rfc3986-6]") {
  for (const std::string_view path :
       {"/", "/x", "/a/b/", "/a.b/c..d/.e/..f", "/a:b@c/!$&'()*+,=", "/-._~", "/a;v=1/b", "/a%20b", "/caf%C3%A9",
        "/a%2Bb", "/a%2Fb", "/a//b", "/a//", "/100%25", "/a%2Fb;c/d%2Fe", "/a%2520b", "/~user/"}) {
    Arena arena;
    const auto result = canonical_path(path, arena);
    INFO(path);
    REQUIRE(result.has_value());
    CHECK(result->data() == path.data());
    CHECK(*result == path);
  }
}

TEST_CASE("canonical_path: spellings of one path come out the same", "[http][rfc3986-6.2.2]") {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"/%41%7a%2D%2e%5F%7E", "/Az-._~"}, {"/caf%c3%a9", "/caf%C3%A9"},
      {"/a%2fb%3aC", "/a%2Fb%3AC"},       {"/a\"<>[]^`{|}b", "/a%22%3C%3E%5B%5D%5E%60%7B%7C%7Db"},
      {"/a%22%5b", "/a%22%5B"},           {"/a%25zz", "/a%25zz"},
  };
  for (const auto& [path, expected] : rows) {
    INFO(path);
    CHECK(canonical(path) == expected);
  }
}

TEST_CASE("canonical_path: dot segments are resolved", "[http][rfc3986-5.2.4]") {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"/.", "/"},
      {"/./", "/"},
      {"/a/.", "/a/"},
      {"/a/./b", "/a/b"},
      {"/a/..", "/"},
      {"/a/../", "/"},
      {"/a/../b", "/b"},
      {"/a/b/..", "/a/"},
      {"/a/b/../..", "/"},
      {"/a/b/../../c", "/c"},
      {"/a/%2e%2E/b", "/b"},
      {"/a/.%2e/b", "/b"},
      {"/%2e/a", "/a"},
      {"/a//../b", "/a/b"},
      {"/a/..//b", "/b"},
      {"/a/b//..", "/a/b/"},
      {"/a.../b", "/a.../b"},
      {"/./a/./b/.", "/a/b/"},
      {"/...a", "/...a"},
      {"/a/b/c/../../d", "/a/d"},
  };
  for (const auto& [path, expected] : rows) {
    INFO(path);
    CHECK(canonical(path) == expected);
  }
}

TEST_CASE("canonical_path: slashes at the start become one, so that no path reads as a host", "[http]") {
  for (const std::string_view path : {"//b.test/x", "///b.test/x", "/.//b.test/x", "/a/..//b.test/x", "//.//b.test/x"})
    CHECK(canonical(path) == "/b.test/x");
  CHECK(canonical("//") == "/");
  CHECK(canonical("/.//") == "/");
}

TEST_CASE("canonical_path: paths that are refused", "[http]") {
  for (const std::string_view path :
       {""sv, "x"sv, "*"sv, "/a%"sv, "/a%2"sv, "/a%zz"sv, "/a%2g"sv, "/%u0070"sv, "/a%00"sv, "/a%0d%0ab"sv, "/a%09"sv,
        "/a%7f"sv, "/a\\b"sv, "/a%5cb"sv, "/a%5Cb"sv, "/a b"sv, "/a#b"sv, "/a\x01"sv, "/a\x7f"sv, "/caf\xc3\xa9"sv,
        "/a?b"sv,
        // Above the root.
        "/.."sv, "/../a"sv, "/a/../.."sv, "/%2e%2e/a"sv, "/./../a"sv, "//../a"sv,
        // Overlong UTF-8 of '/' and '.'.
        "/a%c0%af"sv, "/%c0%ae%c0%ae/"sv, "/a%C1%9C"sv, "/a%e0%80%af"sv, "/a%f0%80%80%af"sv,
        // Escapes of escapes.
        "/%252e%252e/a"sv, "/a%255cb"sv, "/%2570rivate"sv, "/a%2500"sv, "/a%25252fb"sv, "/a%25%32%65b"sv,
        "/a%25%37%30"sv, "/%25%2570"sv,
        // A slash that is there or not, by what is done first.
        "/;p%2f1/p"sv, "/a%3bx%2Fb"sv, "/a;b%252fc"sv, "/a%253bx%2fb"sv,
        // Dot segments that only some see.
        "/a/..;/b"sv, "/a/..;x=y/b"sv, "/.;/a"sv, "/a/..%2fb"sv, "/a%2f../b"sv, "/a%2F..%2Fb"sv, "/a/..%3bx/b"sv,
        "/a/..%253bx"sv, "/a%2f.%2fb"sv, "/a/..%252fb"sv, "/a/..%3fx"sv, "/a/..%23"sv, "/a/..%20/b"sv, "/a/.../b"sv,
        "/..."sv, "/a/.%20./b"sv}) {
    INFO(path);
    CHECK(canonical(path) == "refused");
  }
}

TEST_CASE("canonical_path: a canonical path is its own canonical path", "[http]") {
  for (const std::string_view path :
       {"//a/.//b/../%41;x/%2f%3b", "/a/b//../c/%7e", "/%25zz%2520", "/[a]/{b}", "/.//", "/a/..//..//b"}) {
    const std::string once = canonical(path);
    INFO(path);
    CHECK(canonical(once) == once);
  }
}

TEST_CASE("lax_path: ordinary paths read the same to everyone", "[http]") {
  for (const std::string_view path : {"/", "/a/b.c/d/", "/caf%C3%A9", "/a%20b", "/a.b.c", "/100%25"}) {
    Arena arena;
    CHECK(lax_path(path, arena).data() == path.data());
  }
}

TEST_CASE("lax_path: what lenient servers make of a path", "[http]") {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"/private%2fx", "/private/x"},
      {"/private%252Fx", "/private/x"},
      {"/private;a=b/x", "/private/x"},
      {"/private%3bx", "/private"},
      {"/private%253Bx/y", "/private/y"},
      {"/a//private/x", "/a/private/x"},
      {"/;x/private", "/private"},
      {"/%2fprivate", "/private"},
      {"/a;v=1/b;w=2", "/a/b"},
      {"/private%3fx", "/private"},
      {"/private%3f/x", "/private/x"},
      {"/private%23x", "/private"},
      {"/private%253Fx", "/private"},
      {"/%40scope%2fname", "/@scope/name"},
      {"/a%2520b", "/a%20b"},
      {"/a%25C3%A9", "/a%C3%A9"},
      {"/private./x", "/private/x"},
      {"/private%20/x", "/private/x"},
      {"/private.%20.", "/private"},
      {"/a.../b", "/a/b"},
      {"/a%2b%2C", "/a+,"},
      {"/;", "/"},
  };
  for (const auto& [path, expected] : rows) {
    INFO(path);
    CHECK(lax(path) == expected);
  }
}

TEST_CASE("lax_path: no disguise takes a lenient server where neither path leads", "[http]") {
  constexpr std::string_view kPieces[] = {"/",     "x",   "..",  ".",     "..;",   ";",   "%2f", "%2e", "%5c",
                                          "%252f", "%25", "%70", "%2570", "%253b", "%3b", "%20", "%3f", ";a=b"};
  constexpr std::size_t kCount = std::size(kPieces);
  std::size_t taken = 0;
  std::string path;
  const auto check = [&] {
    Arena arena;
    const auto result = canonical_path(path, arena);
    if (!result) return;
    ++taken;
    const std::string_view lenient = lax_path(*result, arena);
    const bool seen = is_below(*result, "/private") || is_below(lenient, "/private");
    if (is_below(where_a_lenient_server_goes(*result), "/private") && !seen) FAIL(path << " became " << *result);
    Arena again;
    if (canonical_path(*result, again).value_or("refused") != *result) FAIL(path << " is not stable");
  };
  // Every path of a slash and four pieces, "private" being one of them.
  for (std::size_t i = 0; i < kCount * kCount * kCount * 4; ++i) {
    const std::array<std::size_t, 3> pick{i / 4 % kCount, i / 4 / kCount % kCount, i / 4 / kCount / kCount};
    path = "/";
    for (std::size_t j = 0; j < 4; ++j) {
      if (j == i % 4) path += "private";
      if (j < 3) path += kPieces[pick[j]];
    }
    check();
  }
  CHECK(taken > 1000);
}
