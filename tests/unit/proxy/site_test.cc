#include "proxy/site.h"

#include <catch2/catch.hpp>

namespace rpx::proxy {
namespace {

SiteOptions two_servers() {
  SiteOptions options;
  options.upstreams.push_back(
      {.name = "app", .servers = {{.url = "http://127.0.0.1:9001"}, {.url = "http://127.0.0.1:9002"}}});
  options.routes.push_back({.name = "all", .upstream = "app", .origin = {"rpx.toml", 7}});
  return options;
}

TEST_CASE("site: servers that stay configured are shared with the site before", "[proxy]") {
  net::Resolver resolver;
  const auto first = Site::build(two_servers(), nullptr, resolver);
  REQUIRE(first);
  SiteOptions options = two_servers();
  options.upstreams[0].servers[1].weight = 5;
  options.upstreams[0].servers.push_back({.url = "http://127.0.0.1:9003"});
  options.upstreams.push_back({.name = "other", .servers = {{.url = "http://127.0.0.1:9001"}}});
  const auto second = Site::build(options, first->get(), resolver);
  REQUIRE(second);
  const auto& before = (*first)->upstreams()[0].servers;
  const auto& after = (*second)->upstreams()[0].servers;
  CHECK(after[0] == before[0]);
  CHECK(after[1] != before[1]);
  CHECK(after[1]->options().weight == 5);
  // The same URL in another upstream is another server.
  CHECK((*second)->upstreams()[1].servers[0] != before[0]);
}

TEST_CASE("site: limits of a route stand over the general ones", "[proxy]") {
  net::Resolver resolver;
  SiteOptions options = two_servers();
  options.limits.body_bytes = 100;
  options.routes.push_back({.name = "big", .path = "/big/*", .upstream = "app", .body_bytes = 0});
  const auto site = Site::build(options, nullptr, resolver);
  REQUIRE(site);
  CHECK((*site)->routes()[0].body_bytes == 100);
  CHECK((*site)->routes()[1].body_bytes == 0);
}

TEST_CASE("site: what cannot be compiled is refused with its place", "[proxy]") {
  net::Resolver resolver;
  SiteOptions options = two_servers();
  std::string expected;
  SECTION("an upstream that is not there") {
    options.routes[0].upstream = "missing";
    expected = "rpx.toml:7: route \"all\": there is no upstream \"missing\"";
  }
  SECTION("a URL that is none") {
    options.upstreams[0].servers[0].url = "nonsense";
    expected = "\"nonsense\"";
  }
  const auto site = Site::build(options, nullptr, resolver);
  REQUIRE_FALSE(site);
  CHECK(site.error().kind == ErrorKind::kConfig);
  CHECK(site.error().detail.find(expected) != std::string::npos);
}

}  // namespace
}  // namespace rpx::proxy
