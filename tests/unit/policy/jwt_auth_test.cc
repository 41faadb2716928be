#include "policy/jwt_auth.h"

#include <catch2/catch.hpp>

#include "support/temp_folder.h"
#include "support/tokens.h"

using namespace rpx;
using namespace rpx::policy;
using std::chrono::seconds;
using test::SigningKey;

namespace {

const Instant kNow{seconds(5000)};
const WallTime kWall{seconds(1'800'000'000)};

}  // namespace

TEST_CASE("jwt: what was good is remembered as long as it lasts, and no longer than it is to be", "[policy][jwt]") {
  test::TempFolder folder;
  const SigningKey key = SigningKey::secret(std::string(32, 'k'));
  folder.write("keys.json", key.jwk());
  const auto auth =
      JwtAuth::open({.file = folder.file("keys.json"), .leeway = Duration::zero(), .remember = seconds(60)});
  REQUIRE(auth);
  const std::string token = key.token("HS256", R"({"sub":"a","exp":1800000100})");
  const auto fault = [&](int after) {
    return (*auth)->judge(token, kNow + seconds(after), kWall + seconds(after)).fault;
  };
  CHECK(fault(0) == JwtFault::kNone);
  CHECK((*auth)->judge(token, kNow, kWall).identity->user == "a");
  // Verified again it would say until when it is good.
  CHECK((*auth)->judge(token, kNow, kWall).until == WallTime());
  // Only memory would say so: by the wall clock it has expired.
  CHECK((*auth)->judge(token, kNow + seconds(59), kWall + seconds(100)).fault == JwtFault::kNone);
  CHECK((*auth)->judge(token, kNow + seconds(60), kWall + seconds(100)).fault == JwtFault::kInvalid);
  CHECK(fault(70) == JwtFault::kNone);
  CHECK(fault(99) == JwtFault::kNone);
  CHECK(fault(100) == JwtFault::kInvalid);
}

TEST_CASE("jwt: keys that change count at once, broken ones leave the old", "[policy][jwt]") {
  test::TempFolder folder;
  const SigningKey first = SigningKey::secret(std::string(32, '1'));
  const SigningKey second = SigningKey::secret(std::string(32, '2'));
  CHECK_FALSE(JwtAuth::open({.file = folder.file("keys.json")}));
  folder.write("keys.json", first.jwk());
  const auto auth = JwtAuth::open({.file = folder.file("keys.json")});
  REQUIRE(auth);
  const auto good = [&](const SigningKey& key) {
    return (*auth)->judge(key.token("HS256", R"({"exp":1800000100})"), kNow, kWall).fault == JwtFault::kNone;
  };
  CHECK(good(first));
  CHECK_FALSE(good(second));
  folder.write("keys.json", "nonsense!");
  (*auth)->look(kNow);
  // Whoever asks hears of it, though it was seen before.
  CHECK_FALSE((*auth)->reread());
  CHECK(good(first));
  CHECK_FALSE(good(second));
  folder.write("keys.json", second.jwk() + "  ");
  (*auth)->look(kNow);
  CHECK(good(second));
}

TEST_CASE("jwt: keys are fetched by one at a time, when old or unknown, and not too often", "[policy][jwt]") {
  const auto opened =
      JwtAuth::open({.url = "https://login.test/keys", .refresh = seconds(600), .unknown_key = seconds(10)});
  REQUIRE(opened);
  JwtAuth& auth = **opened;
  const std::string keys = SigningKey::ec("P-256").jwk(R"(,"kid":"1")");
  CHECK_FALSE(auth.has_keys());
  CHECK(auth.judge("a.b.c", kNow, kWall).fault == JwtFault::kUnknownKey);
  CHECK(auth.begin_fetch(kNow, false));
  CHECK(auth.fetching());
  CHECK_FALSE(auth.begin_fetch(kNow + seconds(100), true));
  auth.fail(kNow);
  CHECK_FALSE(auth.begin_fetch(kNow + seconds(1), true));
  CHECK(auth.begin_fetch(kNow + seconds(2), true));
  CHECK_FALSE(auth.take_keys("nonsense", kNow + seconds(2)));
  auth.fail(kNow + seconds(2));
  CHECK(auth.begin_fetch(kNow + seconds(4), false));
  CHECK(auth.take_keys(keys, kNow + seconds(4)));
  CHECK(auth.has_keys());
  CHECK_FALSE(auth.fetching());
  CHECK_FALSE(auth.begin_fetch(kNow + seconds(5), false));
  CHECK_FALSE(auth.begin_fetch(kNow + seconds(13), true));
  CHECK(auth.begin_fetch(kNow + seconds(14), true));
  CHECK(auth.take_keys(keys, kNow + seconds(14)));
  CHECK_FALSE(auth.begin_fetch(kNow + seconds(613), false));
  CHECK(auth.begin_fetch(kNow + seconds(614), false));
  auth.fail(kNow + seconds(614));
  CHECK(auth.has_keys());
}

TEST_CASE("jwt: keys that are fetched and are the same forget no token, others do", "[policy][jwt]") {
  const auto auth = JwtAuth::open({.url = "https://login.test/keys"});
  REQUIRE(auth);
  const SigningKey key = SigningKey::ec("P-256");
  const std::string token = key.token("ES256", R"({"exp":1800000100})");
  const auto remembered = [&] {
    const JwtVerdict verdict = (*auth)->judge(token, kNow, kWall);
    CHECK(verdict.fault == JwtFault::kNone);
    return verdict.until == WallTime();
  };
  CHECK((*auth)->take_keys(key.jwk(), kNow));
  CHECK_FALSE(remembered());
  CHECK(remembered());
  CHECK((*auth)->take_keys(key.jwk(), kNow));
  CHECK(remembered());
  CHECK_FALSE((*auth)->take_keys("nonsense", kNow));
  CHECK((*auth)->take_keys(key.jwk(), kNow));
  CHECK(remembered());
  CHECK((*auth)->take_keys(key.jwk() + " ", kNow));
  CHECK_FALSE(remembered());
}

TEST_CASE("jwt: a challenge is as RFC 6750 has it", "[policy][jwt][rfc6750]") {
  const auto auth = JwtAuth::open({.url = "https://login.test/keys", .realm = R"(the "shop")"});
  REQUIRE(auth);
  CHECK((*auth)->challenge("", "") == R"(Bearer realm="the \"shop\"")");
  CHECK((*auth)->challenge("invalid_token", "the token has expired") ==
        R"(Bearer realm="the \"shop\"", error="invalid_token", error_description="the token has expired")");
}
