#include "load/check.h"

#include <catch2/catch.hpp>

using rpx::load::BodyHash;
using rpx::load::Checks;
using rpx::load::Failure;
using rpx::load::Verdict;

namespace {

std::string judge(const std::vector<const char*>& texts, std::uint16_t status, std::string_view body) {
  Checks checks;
  for (const char* text : texts) REQUIRE(checks.add(text));
  rpx::http::Headers headers;
  headers.add("Content-Type", "text/html; charset=utf-8");
  Verdict verdict;
  checks.judge_head(status, headers, verdict);
  BodyHash hash;
  hash.add(body);
  checks.judge_body(body.size(), checks.hashes() ? &hash : nullptr, verdict);
  return verdict.failure ? std::string(name_of(*verdict.failure)) + ": " + verdict.detail : "";
}

}  // namespace

TEST_CASE("without checks a status from 400 on is a failure", "[load]") {
  CHECK(judge({}, 200, "x").empty());
  CHECK(judge({}, 304, "").empty());
  CHECK(judge({}, 503, "") == "status: status 503");
}

TEST_CASE("checks judge status, field, length and content", "[load]") {
  CHECK(judge({"status=404,410"}, 410, "").empty());
  CHECK(judge({"status=2xx"}, 204, "").empty());
  CHECK(judge({"status=2xx"}, 301, "") == "status: status 301");
  CHECK(judge({"header:content-type"}, 200, "").empty());
  CHECK(judge({"header:content-type=text/*"}, 200, "").empty());
  CHECK(judge({"header:content-type=image/*"}, 200, "") == "header: content-type: text/html; charset=utf-8");
  CHECK(judge({"header:etag"}, 200, "") == "header: no field etag");
  CHECK(judge({"length=3"}, 200, "abc").empty());
  CHECK(judge({"length>=4"}, 200, "abc") == "length: 3 bytes");
  CHECK(judge({"length<=1KiB"}, 200, "abc").empty());
  CHECK(judge({"sha256=ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}, 200, "abc").empty());
  CHECK(judge({"sha256=BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}, 200, "abd")
            .starts_with("hash: "));
}

TEST_CASE("a check that is not known is refused", "[load]") {
  for (const char* text : {"", "status=", "status=20", "status=6xx", "header:", "length", "length~3", "length=x",
                           "sha256=00", "colour=red"}) {
    CAPTURE(text);
    Checks checks;
    const auto added = checks.add(text);
    REQUIRE_FALSE(added);
    CHECK(added.error().kind == rpx::ErrorKind::kUsage);
  }
}
