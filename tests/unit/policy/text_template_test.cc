#include "policy/text_template.h"

#include <catch2/catch.hpp>

#include "policy/values.h"
#include "unit/policy/example.h"

namespace rpx::policy {
namespace {

std::string render(const TextTemplate& text, const Values& values) {
  std::string out;
  text.render(out, [&](const TemplatePart& part, std::string& to) { append_value(to, part, values); });
  return out;
}

std::string detail_of(std::string_view text, TemplateUse use) {
  const auto parsed = TextTemplate::parse(text, use);
  if (parsed) return "(parsed)";
  CHECK(parsed.error().kind == ErrorKind::kConfig);
  return parsed.error().detail;
}

TEST_CASE("text template: every variable of a request has its value", "[policy]") {
  Example example;
  example.head.headers.add("X-One", "first");
  example.head.headers.add("x-one", "second");
  example.head.headers.add("Cookie", "a=1; sid=abc; sid=def");
  struct Row {
    std::string_view text, value;
  };
  const Row rows[] = {
      {"{client}", "192.0.2.7"},
      {"{peer}", "10.0.0.1"},
      {"{method}", "GET"},
      {"{scheme}", "https"},
      {"{host}", "shop.example"},
      {"{authority}", "shop.example:8080"},
      {"{path}", "/a/b"},
      {"{query}", "?x=1"},
      {"{target}", "/a/b?x=1"},
      {"{request_id}", "0af7"},
      {"{route}", "shop"},
      {"{listener}", "web"},
      {"{protocol}", "HTTP/1.1"},
      {"{header:X-ONE}", "first"},
      {"{header:none}", ""},
      {"{cookie:sid}", "abc"},
      {"{cookie:si}", ""},
      {"", ""},
      {"plain", "plain"},
      {"{{}}", "{}"},
      {"a{{b{host}c}}d", "a{bshop.examplec}d"},
      {"{client}{client}", "192.0.2.7192.0.2.7"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto parsed = TextTemplate::parse(row.text, TemplateUse::kRequest);
    REQUIRE(parsed);
    CHECK(render(*parsed, example.values) == row.value);
  }
}

TEST_CASE("text template: a reply's variables are empty until there is one", "[policy]") {
  Example example;
  const auto parsed =
      TextTemplate::parse("{status}|{upstream}|{server}|{response_header:ETag}", TemplateUse::kResponse);
  REQUIRE(parsed);
  CHECK(render(*parsed, example.values) == "|||");
  example.values.status = 204;
  example.values.upstream = "app";
  example.values.server = "http://10.0.0.2";
  example.reply.add("etag", "\"1\"");
  CHECK(render(*parsed, example.values) == "204|app|http://10.0.0.2|\"1\"");
  example.values.response_headers = nullptr;
  CHECK(render(*parsed, example.values) == "204|app|http://10.0.0.2|");
}

TEST_CASE("text template: what is wrong is said, with the nearest right name", "[policy]") {
  struct Row {
    std::string_view text;
    TemplateUse use;
    std::string_view said;
  };
  const Row rows[] = {
      {"{clinet}", TemplateUse::kRequest, "unknown variable \"{clinet}\"; did you mean \"{client}\"?"},
      {"{zzzzzz}", TemplateUse::kLog, "unknown variable \"{zzzzzz}\""},
      {"{}", TemplateUse::kLog, "unknown variable \"{}\""},
      {"{header}", TemplateUse::kRequest, "\"{header}\" needs a name: {header:NAME}"},
      {"{header:}", TemplateUse::kRequest, "\"{header:}\" needs a name: {header:NAME}"},
      {"{header:a b}", TemplateUse::kRequest, "\"{header:a b}\" needs a name: {header:NAME}"},
      {"{path:x}", TemplateUse::kRequest, "\"{path:x}\": {path} takes no name"},
      {"{status}", TemplateUse::kRequest, "\"{status}\" has no value here; it is known only once there is a reply"},
      {"{tries}", TemplateUse::kResponse, "\"{tries}\" has no value here; only log lines can show it"},
      {"{host", TemplateUse::kRequest, "\"{\" is not closed; a plain brace is written \"{{\""},
      {"{ho{st}", TemplateUse::kRequest, "\"{\" is not closed; a plain brace is written \"{{\""},
      {"a}b", TemplateUse::kRequest, "\"}\" closes nothing; a plain brace is written \"}}\""},
      {"{{host}", TemplateUse::kRequest, "\"}\" closes nothing; a plain brace is written \"}}\""},
  };
  for (const Row& row : rows) CHECK(detail_of(row.text, row.use) == row.said);
}

TEST_CASE("text template: a text without variables is literal", "[policy]") {
  const auto literal = TextTemplate::parse("max-age={{1}}", TemplateUse::kRequest);
  REQUIRE(literal);
  CHECK(literal->is_literal());
  CHECK(literal->literal() == "max-age={1}");
  CHECK(TextTemplate().is_literal());
  CHECK(TextTemplate().literal().empty());
  const auto variable = TextTemplate::parse("{host}", TemplateUse::kRequest);
  REQUIRE(variable);
  CHECK_FALSE(variable->is_literal());
  CHECK(variable->literal().empty());
}

TEST_CASE("values: a cookie is found whole, in any Cookie field", "[policy]") {
  http::Headers headers;
  headers.add("Cookie", "sidx=no; xsid=no ;  sid=a=b ;last");
  headers.add("Cookie", "other=2; empty=");
  CHECK(cookie_value(headers, "sid") == "a=b");
  CHECK(cookie_value(headers, "other") == "2");
  CHECK(cookie_value(headers, "empty").empty());
  CHECK(cookie_value(headers, "last").empty());
  CHECK(cookie_value(headers, "SID").empty());
}

TEST_CASE("values: the host of an authority", "[policy]") {
  CHECK(host_of("a.example:80") == "a.example");
  CHECK(host_of("a.example") == "a.example");
  CHECK(host_of("[::1]:80") == "[::1]");
  CHECK(host_of("[::1]") == "[::1]");
  CHECK(host_of("").empty());
}

}  // namespace
}  // namespace rpx::policy
