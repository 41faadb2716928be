#include "proxy/router.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <random>
#include <tuple>

#include "proxy/host_pattern.h"
#include "proxy/path_pattern.h"
#include "proxy/route_conditions.h"

namespace rpx::proxy {
namespace {

struct Asked {
  std::string_view host;
  std::string_view path;
  std::string_view method = "GET";
  std::vector<std::pair<std::string_view, std::string_view>> headers = {};
};

http::RequestHead head_of(const Asked& asked) {
  http::RequestHead head;
  head.method = http::method_of(asked.method);
  head.method_name = asked.method;
  head.target.host = asked.host;
  head.target.path = head.target.lax_path = asked.path;
  for (const auto& [name, value] : asked.headers) head.headers.add(name, value);
  return head;
}

RouteOptions route(std::vector<std::string> host, std::string path, std::vector<std::string> methods = {},
                   policy::NameValues header = {}) {
  RouteOptions out;
  out.host = std::move(host);
  out.path = std::move(path);
  out.methods = std::move(methods);
  out.header = std::move(header);
  return out;
}

std::unique_ptr<const Router> build(const std::vector<RouteOptions>& routes) {
  auto router = Router::build(routes);
  if (!router) FAIL(router.error().detail);
  return *std::move(router);
}

TEST_CASE("router: the most specific route wins, whatever the order of the file", "[proxy]") {
  const std::vector<RouteOptions> routes{
      route({}, "/*"),                                               // 0
      route({}, "/a/*"),                                             // 1
      route({}, "/a/b/*"),                                           // 2
      route({}, "/a/b"),                                             // 3
      route({}, "~ ^/a/[0-9]+$"),                                    // 4
      route({"*.example.com"}, "/*"),                                // 5
      route({"*.api.example.com"}, "/*"),                            // 6
      route({"www.example.com", "[::1]", "192.0.2.1"}, "/*"),        // 7
      route({"www.example.com"}, "/a/*", {"POST"}),                  // 8
      route({"www.example.com"}, "/a/*"),                            // 9
      route({"www.example.com"}, "/a/*", {"POST"}, {{"X-V", "2"}}),  // 10
      route({"www.example.com"}, "/a/*", {}, {{"x-v", "*"}}),        // 11
      route({"EXAMPLE.com"}, "/exact"),                              // 12
      route({}, "/"),                                                // 13
  };
  struct Row {
    Asked asked;
    int route;
  };
  const Row rows[] = {
      {{"", "/"}, 13},
      {{"", "/x"}, 0},
      {{"", "*", "OPTIONS"}, 0},
      {{"other", "/a"}, 1},
      {{"other", "/a/"}, 1},
      {{"other", "/ab"}, 0},
      {{"other", "/a/x"}, 1},
      {{"other", "/a/b"}, 3},
      {{"other", "/a/b/"}, 2},
      {{"other", "/a/b/c/d"}, 2},
      {{"other", "/a/bc"}, 1},
      {{"other", "/a/17"}, 4},
      {{"other", "/a/17/x"}, 1},
      {{"x.example.com", "/a/b"}, 5},
      {{"x.y.example.com", "/"}, 5},
      {{"api.example.com", "/"}, 5},
      {{"x.api.example.com", "/"}, 6},
      {{"example.com", "/"}, 13},
      {{"example.com", "/exact"}, 12},
      {{"badexample.com", "/exact"}, 0},
      {{".example.com", "/x"}, 0},
      {{"www.example.com", "/"}, 7},
      {{"[::1]", "/a/b"}, 7},
      {{"192.0.2.1", "/"}, 7},
      {{"www.example.com", "/a", "POST"}, 8},
      {{"www.example.com", "/a", "GET"}, 9},
      {{"www.example.com", "/a", "POST", {{"X-V", "2"}}}, 10},
      {{"www.example.com", "/a", "GET", {{"X-V", "3"}}}, 11},
      {{"www.example.com", "/a", "POST", {{"X-V", "3"}}}, 8},
      {{"www.example.com", "/a", "POST", {{"X-V", "3"}, {"x-v", "2"}}}, 10},
  };
  const auto router = build(routes);
  for (const Row& row : rows) {
    CAPTURE(row.asked.host, row.asked.path, row.asked.method);
    CHECK(router->match(head_of(row.asked)) == row.route);
  }
}

TEST_CASE("router: a route whose conditions fail leaves the request to a less specific one", "[proxy]") {
  const auto router = build({route({"a.example"}, "/x", {"POST"}), route({"*.example"}, "/x", {"PUT"}),
                             route({"a.example"}, "/*", {"DELETE"}), route({}, "/*", {"PURGE"})});
  CHECK(router->match(head_of({"a.example", "/x", "POST"})) == 0);
  CHECK(router->match(head_of({"a.example", "/x", "PUT"})) == 1);
  CHECK(router->match(head_of({"a.example", "/x", "DELETE"})) == 2);
  CHECK(router->match(head_of({"a.example", "/x", "PURGE"})) == 3);
  CHECK(router->match(head_of({"a.example", "/x", "GET"})) == -1);
  CHECK(router->allowed_methods(head_of({"a.example", "/x", "GET"})) ==
        std::vector<std::string>{"POST", "DELETE", "PUT", "PURGE"});
  CHECK(router->allowed_methods(head_of({"b.example", "/y", "GET"})) == std::vector<std::string>{"PURGE"});
}

TEST_CASE("router: GET takes HEAD along, and methods tell case", "[proxy]") {
  const auto router =
      build({route({}, "/get", {"GET"}), route({}, "/head", {"HEAD"}), route({}, "/own", {"Purge", "GET"})});
  CHECK(router->match(head_of({"", "/get", "HEAD"})) == 0);
  CHECK(router->match(head_of({"", "/head", "GET"})) == -1);
  CHECK(router->match(head_of({"", "/own", "Purge"})) == 2);
  CHECK(router->match(head_of({"", "/own", "PURGE"})) == -1);
  CHECK(router->allowed_methods(head_of({"", "/own", "POST"})) == std::vector<std::string>{"Purge", "GET", "HEAD"});
  CHECK(router->allowed_methods(head_of({"", "/none", "POST"})).empty());
}

TEST_CASE("router: allowed methods are those of routes that would match but for the method", "[proxy]") {
  const auto router = build({route({}, "/x", {"POST"}, {{"X-V", "2"}}), route({}, "/x", {"GET"})});
  CHECK(router->allowed_methods(head_of({"", "/x", "PUT"})) == std::vector<std::string>{"GET", "HEAD"});
  CHECK(router->allowed_methods(head_of({"", "/x", "PUT", {{"X-V", "2"}}})) ==
        std::vector<std::string>{"POST", "GET", "HEAD"});
}

TEST_CASE("router: another path of the same request may lead elsewhere", "[proxy]") {
  const auto router = build({route({}, "/*"), route({}, "/private/*")});
  const http::RequestHead head = head_of({"", "/private;x/y"});
  CHECK(router->match(head) == 0);
  CHECK(router->match(head, "/private/y") == 1);
}

TEST_CASE("router: patterns are brought into the form that requests have", "[proxy]") {
  const auto router = build(
      {route({"Example.COM."}, "/%7euser/a%2fb"), route({"[FD00::A]", "fd00::b"}, "/x/./y/*"), route({}, "//z/*")});
  CHECK(router->match(head_of({"example.com", "/~user/a%2Fb"})) == 0);
  CHECK(router->match(head_of({"[fd00::a]", "/x/y/z"})) == 1);
  CHECK(router->match(head_of({"[fd00::b]", "/x/y"})) == 1);
  CHECK(router->match(head_of({"", "/z/1"})) == 2);
}

TEST_CASE("router: a path of many slashes costs no more than the longest prefix", "[proxy]") {
  const auto router = build({route({}, "/a/b/*"), route({"*.example"}, "/a/b/*")});
  const std::string slashes = "/a/" + std::string(1'000'000, '/');
  const std::string dots = std::string(1'000'000, '.') + "example";
  CHECK(router->match(head_of({dots, slashes})) == -1);
  CHECK(router->match(head_of({dots, "/a/b" + slashes})) == 1);
}

TEST_CASE("router: an error names file, line, route and what is wrong", "[proxy]") {
  RouteOptions bad = route({}, "/a*");
  bad.name = "api";
  bad.origin = {"rpx.toml", 12};
  const auto router = Router::build({route({}, "/*"), bad});
  REQUIRE_FALSE(router);
  CHECK(router.error().kind == ErrorKind::kConfig);
  CHECK(router.error().detail ==
        "rpx.toml:12: route \"api\": path \"/a*\": \"*\" stands at the end, after a \"/\"; for other patterns write a "
        "regular expression, \"~ …\"");
  CHECK_FALSE(Router::build({route({}, "/*", {"GE T"})}));
  CHECK_FALSE(Router::build({route({}, "/*", {}, {{"a b", "*"}})}));
  CHECK_FALSE(Router::build({route({"a:80"}, "/*")}));
}

TEST_CASE("router: path patterns are checked", "[proxy]") {
  for (const char* good : {"/", "/a", "/a/b.c", "/*", "/a/*", "~ ^/x", "~^/x$", "/a;b=c/@x", "/%C3%BC"}) {
    CAPTURE(good);
    CHECK(check_path_pattern(good));
  }
  for (const char* bad : {"", "a", "*", "/a*", "/*/a", "/a/**", "/a?b", "/a#b", "~", "~  ", "~ (", "/a b", "/%zz",
                          "/../a", "/a\\b", "https://x/", "/%00"}) {
    CAPTURE(bad);
    const Status status = check_path_pattern(bad);
    CHECK_FALSE(status);
  }
}

TEST_CASE("router: host patterns are checked", "[proxy]") {
  for (const char* good : {"a", "example.com", "Example.com.", "*.example.com", "x-1_y.example", "192.0.2.1", "[::1]",
                           "::1", "xn--bcher-kva.example"}) {
    CAPTURE(good);
    CHECK(check_host_pattern(good));
  }
  const std::string label(63, 'a');
  CHECK(check_host_pattern(label + "." + label + "." + label + "." + std::string(61, 'a')));
  CHECK_FALSE(check_host_pattern(label + "." + label + "." + label + "." + std::string(62, 'a')));
  for (const char* bad : {"", "*", "a:80", "[::1]:80", "[::1", "[1.2.3.4]", "[]", "a..b", ".a", "*.", "a.*.b", "*a.b",
                          "a b", "https://a", "b\xc3\xbc.example", "a/b"}) {
    CAPTURE(bad);
    CHECK_FALSE(check_host_pattern(bad));
  }
  CHECK_FALSE(check_host_pattern(std::string(64, 'a') + ".example"));
}

/// The rule as the header says it, one route after the other.
int naive_match(const std::vector<RouteOptions>& routes, const http::RequestHead& head) {
  using Rank = std::tuple<int, int, int, int, int, int>;
  int best = -1;
  Rank best_rank;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const auto path = PathPattern::parse(routes[i].path);
    const auto conditions = RouteConditions::compile(routes[i].methods, routes[i].header);
    if (!path->matches(head.target.path) || !conditions->matches(head)) continue;
    std::vector<HostPattern> hosts;
    for (const std::string& text : routes[i].host) hosts.push_back(*HostPattern::parse(text));
    if (hosts.empty()) hosts.push_back({});
    for (const HostPattern& host : hosts) {
      const bool fits = host.kind == HostPattern::Kind::kAny ||
                        (host.kind == HostPattern::Kind::kExact && head.target.host == host.text) ||
                        (host.kind == HostPattern::Kind::kWildcard && head.target.host.ends_with(host.text) &&
                         head.target.host.size() > host.text.size());
      if (!fits) continue;
      const int length = path->kind() == PathPattern::Kind::kPrefix ? static_cast<int>(path->text().size()) : 0;
      const Rank rank{static_cast<int>(host.kind),
                      -static_cast<int>(host.text.size()),
                      static_cast<int>(path->kind()),
                      -length,
                      -static_cast<int>(conditions->count()),
                      static_cast<int>(i)};
      if (best >= 0 && rank >= best_rank) continue;
      best = static_cast<int>(i);
      best_rank = rank;
    }
  }
  return best;
}

/// Routes and requests from few words, so that they meet often.
class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}
  bool one_in(unsigned n) { return random_() % n == 0; }
  template <std::size_t N>
  const char* pick(const char* const (&words)[N]) {
    return words[random_() % N];
  }
  std::string host() {
    constexpr const char* kHosts[] = {"a.test", "b.a.test", "c.b.a.test", "test", "x.y", "b.test"};
    return pick(kHosts);
  }
  std::string path(unsigned depth) {
    constexpr const char* kSegments[] = {"a", "b", "ab", "1"};
    std::string out;
    for (unsigned i = static_cast<unsigned>(random_()) % (depth + 1); i > 0; --i) (out += '/') += pick(kSegments);
    return out;
  }
  RouteOptions route() {
    constexpr const char* kRegexes[] = {"~ ^/a", "~ b$", "~ .*", "~ ^/[0-9]+$", "~ ^"};
    constexpr const char* kMethods[] = {"GET", "HEAD", "POST", "PURGE"};
    RouteOptions out;
    for (unsigned i = static_cast<unsigned>(random_()) % 3; i > 0; --i)
      out.host.push_back((one_in(3) ? "*." : "") + host());
    out.path = one_in(6) ? pick(kRegexes) : one_in(2) ? path(3) + "/*" : path(3);
    if (out.path.empty()) out.path = "/";
    while (one_in(3)) out.methods.emplace_back(pick(kMethods));
    while (one_in(4)) out.header.emplace_back(one_in(2) ? "X-A" : "x-b", one_in(2) ? "*" : "1");
    return out;
  }
  /// Text that outlives the head.
  http::RequestHead head(std::string& host_text, std::string& path_text) {
    constexpr const char* kMethods[] = {"GET", "HEAD", "POST", "PUT", "PURGE", "LINK"};
    host_text = host();
    path_text = path(4) + (one_in(3) ? "/" : "");
    if (path_text.empty()) path_text = one_in(4) ? "*" : "/";
    Asked asked{host_text, path_text, pick(kMethods)};
    if (one_in(2)) asked.headers.emplace_back("X-A", one_in(2) ? "1" : "2");
    if (one_in(2)) asked.headers.emplace_back("X-B", one_in(2) ? "1" : "2");
    return head_of(asked);
  }

 private:
  std::mt19937 random_;
};

TEST_CASE("router: finds what trying every route finds, for random routes and requests", "[proxy]") {
  int matched = 0;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    Dice dice(seed);
    std::vector<RouteOptions> routes(1 + seed % 25);
    for (RouteOptions& options : routes) options = dice.route();
    const auto router = build(routes);
    for (int i = 0; i < 60; ++i) {
      std::string host;
      std::string path;
      const http::RequestHead head = dice.head(host, path);
      const int expected = naive_match(routes, head);
      matched += expected >= 0 ? 1 : 0;
      if (router->match(head) != expected) {
        CAPTURE(seed, host, path, head.method_name);
        REQUIRE(router->match(head) == expected);
      }
    }
  }
  CHECK(matched > 500);
}

TEST_CASE("router: a route that is said to be shadowed is never reached, for random routes", "[proxy]") {
  std::size_t found = 0;
  for (unsigned seed = 1; seed <= 150; ++seed) {
    Dice dice(seed);
    std::vector<RouteOptions> routes(30);
    for (RouteOptions& options : routes) options = dice.route();
    const auto router = build(routes);
    const std::vector<Shadowed> shadowed = router->shadowed();
    found += shadowed.size();
    for (int i = 0; i < 100; ++i) {
      std::string host;
      std::string path;
      const http::RequestHead head = dice.head(host, path);
      const int route = router->match(head);
      for (const Shadowed& one : shadowed) {
        if (static_cast<int>(one.route) != route) continue;
        CAPTURE(seed, host, path, one.route, one.by);
        FAIL("a shadowed route was reached");
      }
    }
  }
  CHECK(found > 50);
}

TEST_CASE("router: shadowed routes are told, with what hides them", "[proxy]") {
  struct Row {
    std::vector<RouteOptions> routes;
    std::vector<std::pair<std::size_t, std::size_t>> shadowed;
  };
  const Row rows[] = {
      {{route({}, "/*"), route({}, "/a")}, {}},
      {{route({}, "/a"), route({}, "/a")}, {{1, 0}}},
      {{route({}, "/a", {"GET"}), route({}, "/a")}, {}},
      {{route({}, "/a"), route({}, "/a", {"GET"})}, {}},
      {{route({}, "/a", {"GET"}), route({}, "/a", {"HEAD"})}, {{1, 0}}},
      {{route({}, "/a", {"HEAD"}), route({}, "/a", {"GET"})}, {}},
      {{route({}, "/a", {"GET", "POST"}), route({}, "/a", {"POST"})}, {{1, 0}}},
      {{route({}, "/a", {}, {{"X", "*"}}), route({}, "/a", {}, {{"x", "1"}})}, {{1, 0}}},
      {{route({}, "/a", {}, {{"X", "1"}}), route({}, "/a", {}, {{"X", "*"}})}, {}},
      {{route({"a"}, "/a"), route({"a", "b"}, "/a")}, {}},
      {{route({"a", "b"}, "/a"), route({"B"}, "/a")}, {{1, 0}}},
      {{route({}, "/a"), route({"a"}, "/a")}, {}},
      {{route({"*.a"}, "/a"), route({"x.a"}, "/a")}, {}},
      {{route({}, "/a/*"), route({}, "~ .*")}, {{0, 1}}},
      {{route({}, "/a"), route({}, "~ .*")}, {}},
      {{route({}, "~ ^/a"), route({}, "~ .*")}, {}},
      {{route({}, "~ ^"), route({}, "~ b"), route({}, "/*", {"GET"})}, {{1, 0}, {2, 0}}},
      {{route({}, "~ ^", {"GET"}), route({}, "/*"), route({}, "/*", {"GET"})}, {{2, 0}}},
  };
  for (const Row& row : rows) {
    std::vector<std::pair<std::size_t, std::size_t>> found;
    for (const Shadowed& one : build(row.routes)->shadowed()) found.emplace_back(one.route, one.by);
    CAPTURE(&row - rows);
    CHECK(found == row.shadowed);
  }
}

TEST_CASE("router: a thousand routes alike are looked through for shadows at once", "[proxy]") {
  std::vector<RouteOptions> routes;
  for (int i = 0; i < 1000; ++i) routes.push_back(route({"a.test"}, "/*", {}, {{"X-N", fmt::format("{}", i)}}));
  CHECK(build(routes)->shadowed().empty());
  routes.push_back(route({"a.test"}, "/*", {}, {{"x-n", "7"}}));
  const auto shadowed = build(routes)->shadowed();
  REQUIRE(shadowed.size() == 1);
  CHECK(shadowed[0].route == 1000);
  CHECK(shadowed[0].by == 7);
}

}  // namespace
}  // namespace rpx::proxy
