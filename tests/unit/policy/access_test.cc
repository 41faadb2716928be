#include "policy/access.h"

#include <catch2/catch.hpp>

using namespace rpx;
using namespace rpx::policy;

namespace {

struct Asked {
  std::string method = "GET";
  std::string path = "/";
  std::string lax = {};
  http::Headers headers = {};
  std::string subject = {};
  std::string fingerprint = {};
  bool has_address = true;
};

bool allowed(const AccessOptions& options, const char* client, const Asked& asked = {}) {
  const auto access = Access::compile(options);
  REQUIRE(access);
  http::RequestHead request;
  request.method_name = asked.method;
  request.target.path = asked.path;
  request.target.lax_path = asked.lax.empty() ? asked.path : asked.lax;
  request.headers = asked.headers;
  const IpAddress ip = *IpAddress::parse(client);
  return access->allows({.request = request,
                         .client = ip,
                         .has_address = asked.has_address,
                         .certificate_subject = asked.subject,
                         .certificate_fingerprint = asked.fingerprint});
}

AccessRuleOptions allow(std::vector<std::string> list) { return {.allow = std::move(list)}; }
AccessRuleOptions deny(std::vector<std::string> list) { return {.deny = std::move(list)}; }

}  // namespace

TEST_CASE("access: the first rule that matches decides", "[policy]") {
  const AccessOptions office{.name = "office",
                             .rules = {deny({"10.0.0.66"}), allow({"10.0.0.0/8", "fd00::/8"}), deny({"all"})}};
  CHECK(allowed(office, "10.1.2.3"));
  CHECK(allowed(office, "fd00::1"));
  CHECK_FALSE(allowed(office, "10.0.0.66"));
  CHECK_FALSE(allowed(office, "192.0.2.1"));
  CHECK_FALSE(allowed(office, "2001:db8::1"));
}

TEST_CASE("access: without rules everybody is let through", "[policy]") {
  CHECK(allowed({.name = "none"}, "192.0.2.1"));
}

TEST_CASE("access: a peer without an address is in no prefix", "[policy]") {
  CHECK_FALSE(allowed({.rules = {allow({"0.0.0.0/0"}), deny({"all"})}}, "0.0.0.0", {.has_address = false}));
  CHECK(allowed({.rules = {allow({"all"})}}, "0.0.0.0", {.has_address = false}));
}

TEST_CASE("access: a rule may be about methods, headers and certificates", "[policy]") {
  AccessRuleOptions writes = deny({"all"});
  writes.methods = {"POST", "DELETE"};
  CHECK(allowed({.rules = {writes, allow({"all"})}}, "192.0.2.1"));
  CHECK_FALSE(allowed({.rules = {writes, allow({"all"})}}, "192.0.2.1", {.method = "DELETE"}));

  AccessRuleOptions keyed = allow({"all"});
  keyed.header = {{"X-Key", "secret"}};
  http::Headers right;
  right.add("x-key", "secret");
  http::Headers wrong;
  wrong.add("X-Key", "Secret");
  CHECK(allowed({.rules = {keyed, deny({"all"})}}, "192.0.2.1", {.headers = right}));
  CHECK_FALSE(allowed({.rules = {keyed, deny({"all"})}}, "192.0.2.1", {.headers = wrong}));
  CHECK_FALSE(allowed({.rules = {keyed, deny({"all"})}}, "192.0.2.1"));

  AccessRuleOptions known = allow({"all"});
  known.certificate = "CN=app";
  const Asked app{.subject = "CN=app", .fingerprint = "ab12"};
  CHECK(allowed({.rules = {known, deny({"all"})}}, "192.0.2.1", app));
  CHECK_FALSE(allowed({.rules = {known, deny({"all"})}}, "192.0.2.1", {.subject = "CN=other", .fingerprint = "cd"}));
  CHECK_FALSE(allowed({.rules = {known, deny({"all"})}}, "192.0.2.1"));
  known.certificate = "AB12";
  CHECK(allowed({.rules = {known, deny({"all"})}}, "192.0.2.1", app));
  known.certificate = "*";
  CHECK(allowed({.rules = {known, deny({"all"})}}, "192.0.2.1", app));
  CHECK_FALSE(allowed({.rules = {known, deny({"all"})}}, "192.0.2.1"));
}

TEST_CASE("access: a path in disguise is denied by either reading and allowed by neither alone", "[policy]") {
  AccessRuleOptions admin = deny({"all"});
  admin.path = "/admin/*";
  const AccessOptions closed{.rules = {admin, allow({"all"})}};
  CHECK_FALSE(allowed(closed, "192.0.2.1", {.path = "/admin"}));
  CHECK_FALSE(allowed(closed, "192.0.2.1", {.path = "/admin/x"}));
  CHECK(allowed(closed, "192.0.2.1", {.path = "/administrator"}));
  CHECK_FALSE(allowed(closed, "192.0.2.1", {.path = "/admin%2Fx", .lax = "/admin/x"}));

  AccessRuleOptions open = allow({"all"});
  open.path = "/open/*";
  const AccessOptions only{.rules = {open, deny({"all"})}};
  CHECK(allowed(only, "192.0.2.1", {.path = "/open/x"}));
  CHECK_FALSE(allowed(only, "192.0.2.1", {.path = "/open/..%2Fadmin", .lax = "/admin"}));
}

TEST_CASE("access: methods of the whole list are told apart from rules", "[policy]") {
  const auto access = *Access::compile({.methods = {"GET", "HEAD"}});
  http::RequestHead request;
  request.method_name = "GET";
  CHECK(access.allows_method(request));
  request.method_name = "PUT";
  CHECK_FALSE(access.allows_method(request));
  CHECK(access.methods() == "GET, HEAD");
}

TEST_CASE("access: what is no prefix is refused", "[policy]") {
  const auto wrong = Access::compile({.rules = {allow({"10.0.0.0/33"})}});
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().detail == "\"10.0.0.0/33\" is no address or prefix");
}
