#include <catch2/catch.hpp>

#include "control/routes.h"
#include "fake_host.h"

using namespace rpx;
using namespace rpx::control;

namespace {

Reply ask(Host& host, const char* method, const char* target, std::string body = "") {
  return dispatch(host, {.method = method, .target = target, .body = std::move(body)});
}

void fill(FakeHost& host) {
  policy::BlockTable::Builder builder(WallTime{});
  builder.source("/list");
  builder.add(*IpPrefix::parse("10.0.0.0/8"), WallTime(std::chrono::seconds(60)), "wide");
  builder.add(*IpPrefix::parse("2001:db8::/32"), {}, "");
  host.blocks = builder.build({*IpPrefix::parse("10.9.0.0/16")}, 0, nullptr);
}

}  // namespace

TEST_CASE("blocklist calls: without a blocklist they say so", "[control]") {
  FakeHost host;
  CHECK(ask(host, "GET", "/v1/blocklist").status == 409);
  CHECK(ask(host, "POST", "/v1/blocklist", R"({"prefix":"10.0.0.1"})").status == 409);
  CHECK(ask(host, "POST", "/v1/blocklist/test", R"({"ip":"10.0.0.1"})").status == 409);
}

TEST_CASE("blocklist calls: entries are listed page by page", "[control]") {
  FakeHost host;
  fill(host);
  CHECK(ask(host, "GET", "/v1/blocklist?limit=1").body ==
        R"({"items":[{"prefix":"10.0.0.0/8","reason":"wide","source":"/list","until":"1970-01-01T00:01:00.000Z",)"
        R"("hits":0}],"next":"1"})"
        "\n");
  CHECK(ask(host, "GET", "/v1/blocklist?cursor=1").body ==
        R"({"items":[{"prefix":"2001:db8::/32","reason":"","source":"/list","until":null,"hits":0}],"next":null})"
        "\n");
}

TEST_CASE("blocklist calls: what is added has one end and one reason, or its own", "[control]") {
  FakeHost host;
  fill(host);
  CHECK(ask(host, "POST", "/v1/blocklist", R"({"prefixes":["10.0.0.1","10.0.0.2"],"until":"2030-01-01","reason":"x"})")
            .body == "{\"added\":2,\"changed\":0}\n");
  REQUIRE(host.edited.add.size() == 2);
  CHECK(host.edited.add[1].reason == "x");
  CHECK(host.edited.add[1].until);
  CHECK(ask(host, "POST", "/v1/blocklist", R"({"entries":[{"prefix":"10.0.0.1","for":60},{"prefix":"2001:db8::1"}]})")
            .status == 200);
  CHECK(host.edited.add[0].until);
  CHECK_FALSE(host.edited.add[1].until);
}

TEST_CASE("blocklist calls: a wrong body is refused whole", "[control]") {
  FakeHost host;
  fill(host);
  const auto* body = GENERATE("", "[]", "{}", R"({"prefix":"10.0.0.0/33"})", R"({"prefix":1})", R"({"ip":"10.0.0.1"})",
                              R"({"prefix":"10.0.0.1","for":0})", R"({"prefix":"10.0.0.1","for":"1h"})",
                              R"({"prefix":"10.0.0.1","for":1,"until":"2030-01-01"})",
                              R"({"prefix":"10.0.0.1","until":"soon"})", R"({"prefix":"10.0.0.1","reason":"# x"})",
                              R"({"entries":[1]})", R"({"entries":[{"reason":"x"}]})", R"({"prefixes":"10.0.0.1"})");
  CHECK(ask(host, "POST", "/v1/blocklist", body).status == 400);
  CHECK(host.edited.add.empty());
}

TEST_CASE("blocklist calls: deleting and testing", "[control]") {
  FakeHost host;
  fill(host);
  CHECK(ask(host, "DELETE", "/v1/blocklist", R"({"prefix":"10.0.0.0/8"})").body == "{\"deleted\":1,\"missing\":[]}\n");
  CHECK(ask(host, "DELETE", "/v1/blocklist", "{}").status == 400);
  CHECK(ask(host, "POST", "/v1/blocklist/test", R"({"ip":"10.1.1.1"})")
            .body.starts_with(R"({"ip":"10.1.1.1","blocked":true,"allowed_by":null,"entry":{"prefix":"10.0.0.0/8")"));
  CHECK(ask(host, "POST", "/v1/blocklist/test", R"({"ip":"10.9.1.1"})")
            .body.starts_with(R"({"ip":"10.9.1.1","blocked":false,"allowed_by":"10.9.0.0/16","entry":{)"));
  CHECK(ask(host, "POST", "/v1/blocklist/test", R"({"ip":"192.0.2.1"})").body ==
        "{\"ip\":\"192.0.2.1\",\"blocked\":false,\"allowed_by\":null,\"entry\":null}\n");
  CHECK(ask(host, "POST", "/v1/blocklist/test", R"({"ip":"x"})").status == 400);
}
