#include "cache/freshness.h"

#include <catch2/catch.hpp>

#include "unit/cache/fields.h"

namespace rpx::cache {

using std::chrono::seconds;

namespace {

constexpr std::string_view kDate = "Date: Sun, 06 Nov 1994 08:49:37 GMT";

Verdict judge(std::string_view request, std::uint16_t status, std::string_view reply, CacheOptions options = {}) {
  const std::string all = std::string(kDate) + "|" + std::string(reply);
  return judge_reply(facts_of(fields(request)), status, fields(all), {at(0), at(0)}, options);
}

}  // namespace

TEST_CASE("storable: what the fields and the status allow", "[cache][rfc9111-3]") {
  struct Row {
    std::string_view request;
    std::uint16_t status;
    std::string_view reply;
    bool store;
  };
  for (const Row& row : {
           Row{"", 200, "Cache-Control: max-age=60", true},
           Row{"", 200, "Cache-Control: no-store", false},
           Row{"", 200, "Cache-Control: max-age=60, private", false},
           Row{"", 200, "Cache-Control: max-age=60, private=x-a", true},
           Row{"Cache-Control: no-store", 200, "Cache-Control: max-age=60", false},
           Row{"Authorization: x", 200, "Cache-Control: max-age=60", false},
           Row{"Authorization: x", 200, "Cache-Control: max-age=60, public", true},
           Row{"Authorization: x", 200, "Cache-Control: max-age=60, must-revalidate", true},
           Row{"Authorization: x", 200, "Cache-Control: s-maxage=60", true},
           Row{"", 200, "Vary: Accept, *|Cache-Control: max-age=60", false},
           Row{"", 200, "Last-Modified: Sun, 06 Nov 1994 08:00:00 GMT|Set-Cookie: a=b", false},
           Row{"", 200, "Cache-Control: max-age=60|Set-Cookie: a=b", true},
           Row{"", 206, "Cache-Control: max-age=60", false},
           Row{"", 304, "Cache-Control: max-age=60", false},
           Row{"", 599, "Cache-Control: max-age=60", true},
           Row{"", 599, "Cache-Control: max-age=60, must-understand", false},
           Row{"", 200, "Cache-Control: max-age=60, must-understand, no-store", true},
           Row{"", 200, "Last-Modified: Sun, 06 Nov 1994 08:00:00 GMT", true},
           Row{"", 302, "ETag: \"a\"", false},
           Row{"", 200, "", false},
           Row{"", 200, "Cache-Control: no-cache|ETag: \"a\"", true},
           Row{"", 200, "Cache-Control: no-cache", false},
           Row{"", 200, "Cache-Control: no-store|CDN-Cache-Control: max-age=60", true},
           Row{"", 200, "Cache-Control: max-age=60|CDN-Cache-Control: no-store", false},
       }) {
    INFO(row.request << " | " << row.status << ' ' << row.reply);
    const Verdict verdict = judge(row.request, row.status, row.reply);
    CHECK(verdict.store == row.store);
    CHECK_FALSE(verdict.why.says.empty());
  }
}

TEST_CASE("freshness: what has changed long ago is taken to last, what says nothing at all is not",
          "[cache][rfc9111-4.2.2]") {
  CacheOptions options;
  options.heuristic_ttl = seconds(600);
  for (const auto& [reply, lifetime] : {
           std::pair{"Last-Modified: Sun, 06 Nov 1994 08:48:37 GMT", 6},
           std::pair{"Last-Modified: Sun, 06 Nov 1993 08:48:37 GMT", 600},
           std::pair{"Last-Modified: Sun, 06 Nov 1993 08:48:37 GMT|Cache-Control: max-age=5", 5},
           std::pair{"ETag: \"a\"", 0},
       }) {
    INFO(reply);
    CHECK(judge("", 200, reply, options).terms.lifetime == seconds(lifetime));
  }
  options.default_ttl = seconds(30);
  CHECK(judge("", 200, "ETag: \"a\"", options).terms.lifetime == seconds(30));
  CHECK(judge("", 200, "Last-Modified: Sun, 06 Nov 1993 08:48:37 GMT", options).terms.lifetime == seconds(600));
}

TEST_CASE("freshness: s-maxage, then max-age, then Expires, then what the configuration says",
          "[cache][rfc9111-4.2.1]") {
  struct Row {
    std::string_view reply;
    int lifetime;
  };
  CacheOptions options;
  options.default_ttl = seconds(600);
  for (const Row& row : {
           Row{"Cache-Control: max-age=60, s-maxage=30|Expires: Sun, 06 Nov 1994 08:59:37 GMT", 30},
           Row{"Cache-Control: max-age=60|Expires: Sun, 06 Nov 1994 08:59:37 GMT", 60},
           Row{"Expires: Sun, 06 Nov 1994 08:59:37 GMT", 600},
           Row{"Expires: Sun, 06 Nov 1994 08:49:00 GMT|ETag: \"a\"", 0},
           Row{"Expires: sun, 06 nov 1994 08:59:37 gmt", 600},
           Row{"Expires: 0|ETag: \"a\"", 0},
           Row{"Expires: Sun, 06 Nov 1994 08:59:37 GMT|Expires: 0|ETag: \"a\"", 0},
           Row{"Last-Modified: Sun, 06 Nov 1994 08:48:37 GMT", 6},
           Row{"Last-Modified: Sun, 06 Nov 1993 08:48:37 GMT", 600},
           Row{"X-A: b", 600},
           Row{"CDN-Cache-Control: max-age=10|Cache-Control: max-age=60", 10},
       }) {
    INFO(row.reply);
    CHECK(judge("", 200, row.reply, options).terms.lifetime == seconds(row.lifetime));
  }
}

TEST_CASE("age: what was told, the way, and the time here", "[cache][rfc9111-4.2.3]") {
  struct Row {
    std::string_view reply;
    int asked, answered, now, age;
  };
  for (const Row& row : {Row{"Date: Sun, 06 Nov 1994 08:49:37 GMT", 0, 0, 5, 5},
                         Row{"Date: Sun, 06 Nov 1994 08:49:37 GMT", 8, 10, 10, 10},
                         Row{"Date: Sun, 06 Nov 1994 08:49:37 GMT|Age: 30", 0, 2, 3, 33}, Row{"Age: 30", 0, 0, 0, 30},
                         Row{"Age: -3", 0, 0, 1, 1}, Row{"Age: 3, 7", 0, 0, 0, 3},
                         Row{"Date: Sun, 06 Nov 1994 09:49:37 GMT", 0, 0, 1, 1}}) {
    INFO(row.reply);
    const std::string reply = "Cache-Control: max-age=100|" + std::string(row.reply);
    const Times times{at(row.asked), at(row.answered)};
    const Verdict verdict = judge_reply({}, 200, fields(reply), times, {});
    CHECK(age_at(verdict.terms, times.answered, at(row.now)) == seconds(row.age));
  }
}

TEST_CASE("use: what a request may be answered with", "[cache][rfc9111-4]") {
  struct Row {
    std::string_view reply, request;
    int age;
    Use use;
    bool on_error;
  };
  using enum Use;
  for (const Row& row : {
           Row{"max-age=60", "", 59, kFresh, true},
           Row{"max-age=60", "", 60, kValidate, true},
           Row{"max-age=60", "", 121, kValidate, false},
           Row{"max-age=60, must-revalidate", "", 61, kValidate, false},
           Row{"s-maxage=60", "", 61, kValidate, false},
           Row{"max-age=60, stale-while-revalidate=10", "", 65, kRefresh, true},
           Row{"max-age=60, stale-while-revalidate=10", "", 71, kValidate, true},
           Row{"max-age=60, stale-while-revalidate=10, proxy-revalidate", "", 65, kValidate, false},
           Row{"max-age=60, no-cache", "", 1, kValidate, false},
           Row{"max-age=60", "Cache-Control: no-cache", 1, kValidate, true},
           Row{"max-age=60", "Pragma: no-cache", 1, kValidate, true},
           Row{"max-age=60", "Pragma: no-cache|Cache-Control: max-stale", 1, kFresh, true},
           Row{"max-age=60", "Cache-Control: max-age=5", 6, kValidate, true},
           Row{"max-age=60", "Cache-Control: max-age=0", 0, kValidate, true},
           Row{"max-age=60", "Cache-Control: min-fresh=10", 51, kValidate, true},
           Row{"max-age=60", "Cache-Control: max-stale=10", 69, kStale, true},
           Row{"max-age=60", "Cache-Control: max-stale=10", 71, kValidate, true},
           Row{"max-age=60, must-revalidate", "Cache-Control: max-stale", 61, kValidate, false},
       }) {
    INFO(row.reply << " | " << row.request << " | " << row.age);
    CacheOptions options;
    options.stale_if_error = seconds(60);
    const std::string reply = "Cache-Control: " + std::string(row.reply) + "|ETag: \"a\"";
    const Verdict verdict = judge_reply({}, 200, fields(reply), {at(0), at(0)}, options);
    const Decision decision = decide(verdict.terms, seconds(row.age), facts_of(fields(row.request)), false);
    CHECK(decision.use == row.use);
    CHECK(decision.on_error == row.on_error);
    CHECK(decide(verdict.terms, seconds(1), {}, true).use != kFresh);
  }
}

TEST_CASE("freshness: status_ttl is for replies that do not say, the exact status before its class",
          "[cache][rfc9111-4.2.2]") {
  CacheOptions options;
  options.status_ttl = {{"5xx", seconds(5)}, {"503", seconds(0)}, {"404", seconds(60)}};
  CHECK(judge("", 404, "", options).terms.lifetime == seconds(60));
  CHECK(judge("", 500, "", options).terms.lifetime == seconds(5));
  CHECK_FALSE(judge("", 503, "", options).store);
  CHECK(judge("", 503, "Cache-Control: max-age=9", options).terms.lifetime == seconds(9));
  CHECK_FALSE(judge("", 404, "Cache-Control: no-store", options).store);
  CHECK_FALSE(judge("", 404, "Set-Cookie: a=b", options).store);
  CHECK_FALSE(judge("", 302, "", options).store);
}

}  // namespace rpx::cache
