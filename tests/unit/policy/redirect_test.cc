#include "policy/redirect.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "unit/policy/example.h"

namespace rpx::policy {
namespace {

std::string location(std::string_view to, Example& example) {
  const auto redirect = Redirect::compile({std::string(to), 308});
  if (!redirect) return "(refused) " + redirect.error().detail;
  return std::string(redirect->location(example.arena, example.values));
}

TEST_CASE("redirect: the target is rendered, and the query goes along unless there is one", "[policy]") {
  struct Row {
    std::string_view to, location;
  };
  const Row rows[] = {
      {"https://example.com{path}", "https://example.com/a/b?x=1"},
      {"https://example.com/", "https://example.com/?x=1"},
      {"https://example.com", "https://example.com?x=1"},
      {"https://{host}{path}", "https://shop.example/a/b?x=1"},
      {"{scheme}://www.{authority}{target}", "https://www.shop.example:8080/a/b?x=1"},
      {"https://example.com{path}?y=2", "https://example.com/a/b?y=2"},
      {"https://example.com{path}?", "https://example.com/a/b?"},
      {"https://example.com{path}#top", "https://example.com/a/b?x=1#top"},
      {"https://example.com/x#a{path}", "https://example.com/x?x=1#a/a/b"},
      {"/new{path}", "/new/a/b?x=1"},
      {"{path}/", "/a/b/?x=1"},
      {"/login?next={path}", "/login?next=/a/b"},
      {"https://example.com/a b\xc3\xbc", "https://example.com/a%20b%C3%BC?x=1"},
      {"https://example.com{query}", "https://example.com?x=1"},
      {"app+x://open{path}", "app+x://open/a/b?x=1"},
  };
  for (const Row& row : rows) {
    Example example;
    CAPTURE(row.to);
    CHECK(location(row.to, example) == row.location);
  }
}

TEST_CASE("redirect: no path of a client names another host", "[policy]") {
  for (const std::string_view path :
       {"//evil.example/x", "///evil.example/x", "/\\evil.example/x", "/\\/evil.example/x"}) {
    for (const std::string_view to : {"{path}", "/{path}", "{target}"}) {
      Example example;
      example.head.target.path = path;
      example.head.target.query = "";
      const std::string out = location(to, example);
      CAPTURE(path, to, out);
      CHECK(out.starts_with('/'));
      CHECK_FALSE(out.starts_with("//"));
      CHECK(out.find('\\') == std::string::npos);
    }
  }
  Example example;
  example.head.target.path = "*";
  CHECK(location("https://example.com{path}", example) == "https://example.com/*?x=1");
  example.head.headers.add("X-To", "/evil.example");
  CHECK(location("/{header:X-To}", example) == "/evil.example?x=1");
}

TEST_CASE("redirect: nothing of a client can end the line or start a query of its own", "[policy]") {
  Example example;
  example.head.target.path = "/a\r\nSet-Cookie: x=y\0z\x7f";
  example.head.target.query = "?q=\r\n<script>\"#";
  example.head.headers.add("X-In", "a?b#c&d=%0d\r\n:@e");
  example.head.headers.add("Cookie", "c=//evil.example");
  for (const std::string_view to : {"https://example.com{path}", "{target}", "/x/{header:X-In}"}) {
    const std::string out = location(to, example);
    CAPTURE(to, out);
    for (const char c : out) CHECK((c > ' ' && c < '\x7f' && c != '"' && c != '<' && c != '#'));
  }
  CHECK(location("/x?to={header:X-In}", example) == "/x?to=a%3Fb%23c%26d%3D%250d%0D%0A%3A%40e");
  CHECK(location("{scheme}://example.com/{cookie:c}", example).starts_with("https://example.com///evil.example"));
  example.values.authority = "evil.example/\r\nX: y";
  CHECK(location("https://{authority}/x?", example) == "https://evil.exampleX:y/x?");
}

TEST_CASE("redirect: without a host there is no target that needs one", "[policy]") {
  Example example;
  example.values.authority = "";
  CHECK(location("https://{host}{path}", example).empty());
  CHECK(location("/x", example) == "/x?x=1");
}

TEST_CASE("redirect: what cannot be a redirect is refused", "[policy]") {
  const auto said = [](std::string_view to, std::uint16_t status = 308) {
    const auto redirect = Redirect::compile({std::string(to), status});
    REQUIRE_FALSE(redirect);
    CHECK(redirect.error().kind == ErrorKind::kConfig);
    return redirect.error().detail;
  };
  const std::string start =
      "a redirect goes to a URL, which starts with \"https://\", \"http://\" or \"{scheme}://\", or to a path, which "
      "starts with \"/\" or \"{path}\"";
  for (const std::string_view to : {"example.com", "//example.com/", "{host}/x", "{header:X}", "{scheme}:/x",
                                    "{scheme}", "://x", "1a://x", "a{host}://x", "javascript:alert(1)"})
    CHECK(said(to) == start);
  CHECK(said("") == "the redirect's \"to\" is empty");
  for (const std::string_view to :
       {"https://example.com{header:X}", "https://{cookie:c}.example.com/", "https://{client}"})
    CHECK(said(to) == "only {host} and {authority} may stand in the host of a redirect");
  for (const std::string_view to : {"https:///x", "https://{path}", "{scheme}://", "https://"})
    CHECK(said(to) == "the redirect's URL names no host");
  CHECK(said("/a\nb") == "the redirect's \"to\" holds a control character");
  CHECK(said("/{status}") == "\"{status}\" has no value here; it is known only once there is a reply");
  for (const std::uint16_t status : {std::uint16_t{200}, std::uint16_t{300}, std::uint16_t{304}, std::uint16_t{309}})
    CHECK(said("/x", status) == fmt::format("{} is no redirect: 301, 302, 303, 307 and 308 are", status));
}

}  // namespace
}  // namespace rpx::policy
