#include "policy/respond.h"

#include <catch2/catch.hpp>

#include "unit/policy/example.h"

namespace rpx::policy {
namespace {

TEST_CASE("respond: a body without a type is plain text", "[policy]") {
  Example example;
  const auto reply = FixedReply::compile({200, "pong\n", {{"X-Host", "{host}"}}});
  REQUIRE(reply);
  CHECK(reply->status() == 200);
  CHECK(reply->body() == "pong\n");
  http::Headers headers;
  reply->headers().apply(headers, example.arena, example.values);
  CHECK(headers.value("content-type") == "text/plain; charset=utf-8");
  CHECK(headers.value("x-host") == "shop.example");
  CHECK(headers.size() == 2);
}

TEST_CASE("respond: the type that was given stays, and no body needs none", "[policy]") {
  Example example;
  http::Headers headers;
  const auto typed = FixedReply::compile({404, "{}", {{"content-type", "application/json"}}});
  REQUIRE(typed);
  typed->headers().apply(headers, example.arena, example.values);
  CHECK(headers.size() == 1);
  CHECK(headers.value("Content-Type") == "application/json");
  const auto bare = FixedReply::compile({204, "", {}});
  REQUIRE(bare);
  CHECK(bare->headers().empty());
}

TEST_CASE("respond: what cannot be a reply is refused", "[policy]") {
  CHECK_FALSE(FixedReply::compile({199, "", {}}));
  CHECK_FALSE(FixedReply::compile({600, "", {}}));
  for (const std::uint16_t status : {std::uint16_t{204}, std::uint16_t{205}, std::uint16_t{304}})
    CHECK_FALSE(FixedReply::compile({status, "x", {}}));
  CHECK_FALSE(FixedReply::compile({200, "x", {{"Content-Length", "7"}}}));
  CHECK_FALSE(FixedReply::compile({200, "x", {{"X", "a\r\nb"}}}));
  CHECK(FixedReply::compile({200, std::string(1024 * 1024, 'x'), {}}));
  CHECK_FALSE(FixedReply::compile({200, std::string(1024 * 1024 + 1, 'x'), {}}));
}

}  // namespace
}  // namespace rpx::policy
