#include "policy/header_rules.h"

#include <catch2/catch.hpp>

#include "unit/policy/example.h"

namespace rpx::policy {
namespace {

std::string text_of(const http::Headers& headers) {
  std::string out;
  for (const http::Field& field : headers) {
    out += field.name;
    out += ": ";
    out += field.value;
    out += '\n';
  }
  return out;
}

HeaderRules rules_of(const HeaderRuleOptions& options, TemplateUse use = TemplateUse::kRequest) {
  auto compiled = HeaderRules::compile(options, use);
  REQUIRE(compiled);
  return *std::move(compiled);
}

TEST_CASE("header rules: remove comes first, then set, then add", "[policy]") {
  Example example;
  http::Headers headers;
  headers.add("X-A", "1");
  headers.add("x-a", "2");
  headers.add("X-B", "3");
  headers.add("Server", "origin");
  const HeaderRules rules = rules_of({.set = {{"X-A", "new"}, {"X-C", "{host}"}},
                                      .add = {{"X-B", "4"}, {"X-B", "{client}"}},
                                      .remove = {"server", "X-B"}});
  CHECK_FALSE(rules.empty());
  CHECK(rules.needs_values());
  rules.apply(headers, example.arena, example.values);
  CHECK(text_of(headers) == "X-A: new\nX-C: shop.example\nX-B: 4\nX-B: 192.0.2.7\n");
}

TEST_CASE("header rules: fields that are set keep the id that the proxy looks for", "[policy]") {
  Example example;
  http::Headers headers;
  headers.add("Cache-Control", "private");
  const HeaderRules rules = rules_of({.set = {{"cache-control", "no-store"}}});
  rules.apply(headers, example.arena, example.values);
  REQUIRE(headers.find(http::FieldId::kCacheControl) != nullptr);
  CHECK(headers.value(http::FieldId::kCacheControl) == "no-store");
  CHECK(headers.size() == 1);
}

TEST_CASE("header rules: a field can be set from its own former value", "[policy]") {
  Example example;
  example.head.headers.add("X-A", "old");
  http::Headers headers;
  headers.add("X-A", "old");
  const HeaderRules rules = rules_of({.set = {{"X-A", "{header:X-A}, new"}}});
  rules.apply(headers, example.arena, example.values);
  CHECK(text_of(headers) == "X-A: old, new\n");
}

TEST_CASE("header rules: an empty value is not written, and a set of one removes", "[policy]") {
  Example example;
  http::Headers headers;
  headers.add("X-A", "1");
  headers.add("X-B", "2");
  const HeaderRules rules =
      rules_of({.set = {{"X-A", "{header:none}"}, {"X-B", ""}}, .add = {{"X-C", " {header:none} "}}});
  rules.apply(headers, example.arena, example.values);
  CHECK(headers.empty());
}

TEST_CASE("header rules: no rendered value can end its line", "[policy]") {
  // No parser lets such values in today; the rule must hold whatever the source of a value is.
  for (const char bad : {'\r', '\n', '\0', '\x01', '\x7f', '\t', '\x1b'}) {
    Example example;
    const std::string hostile = std::string("a") + bad + bad + "Set-Cookie: x=y" + bad;
    example.head.headers.add("X-In", hostile);
    example.values.request_id = hostile;
    example.values.authority = hostile;
    http::Headers headers;
    const HeaderRules rules =
        rules_of({.set = {{"X-Out", "{header:X-In}"}, {"X-Id", "<{request_id}>"}}, .add = {{"X-Host", "{authority}"}}});
    rules.apply(headers, example.arena, example.values);
    CHECK(text_of(headers) == "X-Out: a  Set-Cookie: x=y\nX-Id: <a  Set-Cookie: x=y >\nX-Host: a  Set-Cookie: x=y\n");
  }
}

TEST_CASE("header rules: no rules change nothing", "[policy]") {
  Example example;
  http::Headers headers;
  headers.add("X-A", "1");
  const HeaderRules rules;
  CHECK(rules.empty());
  CHECK_FALSE(rules.needs_values());
  rules.apply(headers, example.arena, example.values);
  CHECK(text_of(headers) == "X-A: 1\n");
}

TEST_CASE("header rules: literal values are not copied", "[policy]") {
  Example example;
  const HeaderRules rules = rules_of({.set = {{"X-A", "constant"}}});
  CHECK_FALSE(rules.needs_values());
  http::Headers one;
  http::Headers two;
  rules.apply(one, example.arena, example.values);
  rules.apply(two, example.arena, example.values);
  CHECK(one.value("X-A").data() == two.value("X-A").data());
}

TEST_CASE("header rules: what cannot be a rule is refused", "[policy]") {
  const auto frames = [](std::string_view name) {
    return std::string(name) + " frames the message on its connection; rpx writes it itself on each side";
  };
  std::vector<std::pair<HeaderRuleOptions, std::string>> cases;
  for (const char* name : {"Connection", "Content-Length", "transfer-encoding", "Upgrade", "TE", "Trailer",
                           "Keep-Alive", "Proxy-Connection", "HTTP2-Settings"}) {
    cases.push_back({{.set = {{name, "x"}}}, frames(name)});
    cases.push_back({{.add = {{name, "x"}}}, frames(name)});
    cases.push_back({{.remove = {name}}, frames(name)});
  }
  for (const char* name : {"", "a b", "a:", "x\r\ny", "\xc3\xa4"})
    cases.push_back({{.set = {{name, "x"}}}, "\"" + std::string(name) + "\" is not a field name"});
  cases.push_back({{.set = {{"X-A", "a\r\nb"}}}, "the value of X-A holds a control character"});
  cases.push_back({{.set = {{"X-A", "{hots}"}}}, "X-A: unknown variable \"{hots}\"; did you mean \"{host}\"?"});
  cases.push_back({{.remove = {"Host"}}, "Host can only be set, and only on requests: each has exactly one"});
  cases.push_back({{.add = {{"Host", "a"}}}, "Host can only be set, and only on requests: each has exactly one"});
  for (const auto& [options, said] : cases) {
    const auto compiled = HeaderRules::compile(options, TemplateUse::kRequest);
    REQUIRE_FALSE(compiled);
    CHECK(compiled.error().kind == ErrorKind::kConfig);
    CHECK(compiled.error().detail == said);
  }
  CHECK(HeaderRules::compile({.set = {{"Host", "a"}}}, TemplateUse::kRequest));
  CHECK_FALSE(HeaderRules::compile({.set = {{"Host", "a"}}}, TemplateUse::kResponse));
  CHECK(HeaderRules::compile({.set = {{"X", "{status}"}}}, TemplateUse::kResponse));
  CHECK_FALSE(HeaderRules::compile({.set = {{"X", "{status}"}}}, TemplateUse::kRequest));
}

}  // namespace
}  // namespace rpx::policy
