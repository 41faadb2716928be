#include "policy/jwt.h"

#include <catch2/catch.hpp>

#include "support/tokens.h"

using namespace rpx;
using namespace rpx::policy;
using test::SigningKey;

namespace {

const WallTime kNow{std::chrono::seconds(1'800'000'000)};
const SigningKey kSecret = SigningKey::secret(std::string(64, 's'));

JsonWebKeys keys_of(const std::string& json) {
  auto out = JsonWebKeys::parse(json, JsonWebKeys::From::kFile);
  REQUIRE(out);
  return std::move(*out);
}

JwtVerdict judge(const std::string& claims, const JwtOptions& options = {}) {
  return judge_token(kSecret.token("HS256", claims), keys_of(kSecret.jwk()), options, kNow);
}

std::string why(const std::string& claims, const JwtOptions& options = {}) {
  const JwtVerdict verdict = judge(claims, options);
  CHECK((verdict.identity != nullptr) == (verdict.fault == JwtFault::kNone));
  return std::string(verdict.why);
}

}  // namespace

TEST_CASE("jwt: the examples of RFC 7515 and RFC 8037 are verified, and not when a bit of them differs",
          "[policy][jwt][rfc7515]") {
  struct Row {
    const char* key;
    const char* algorithm;
    std::string text;
    const char* signature;
  };
  const std::string payload =
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
  const Row rows[] = {
      {R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})",
       "HS256", "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + payload, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
      {R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})",
       "ES256", "eyJhbGciOiJFUzI1NiJ9." + payload,
       "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
      {R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})", "EdDSA",
       "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
       "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"}};
  for (const Row& row : rows) {
    const JsonWebKeys keys = keys_of(row.key);
    const JwtAlgorithm* algorithm = jwt_algorithm(row.algorithm);
    REQUIRE(algorithm != nullptr);
    std::string signature = from_base64url(row.signature).value();
    CHECK(keys.verify(*algorithm, "", row.text, signature));
    CHECK_FALSE(keys.verify(*algorithm, "", row.text + "x", signature));
    CHECK_FALSE(keys.verify(*algorithm, "", row.text, signature.substr(1)));
    signature[5] ^= 1;
    CHECK_FALSE(keys.verify(*algorithm, "", row.text, signature));
  }
  // The whole of the first one, at a time when it was good.
  const WallTime then{std::chrono::seconds(1'300'819'000)};
  CHECK(judge_token(rows[0].text + "." + rows[0].signature, keys_of(rows[0].key), {.issuer = {"joe"}}, then).fault ==
        JwtFault::kNone);
}

TEST_CASE("jwt: a key verifies by the algorithms of its kind, whatever a token says", "[policy][jwt]") {
  struct Row {
    SigningKey key;
    std::vector<const char*> algorithms;
  };
  const Row rows[] = {{SigningKey::rsa(), {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}},
                      {SigningKey::ec("P-256"), {"ES256"}},
                      {SigningKey::ec("P-384"), {"ES384"}},
                      {SigningKey::ec("P-521"), {"ES512"}},
                      {SigningKey::ed("Ed25519"), {"EdDSA", "Ed25519"}},
                      {SigningKey::ed("Ed448"), {"EdDSA", "Ed448"}},
                      {kSecret, {"HS256", "HS384", "HS512"}}};
  const std::string claims = R"({"sub":"a","exp":1800000100})";
  for (const Row& signer : rows)
    for (const char* name : signer.algorithms) {
      const std::string token = signer.key.token(name, claims);
      for (const Row& verifier : rows) {
        const bool good = judge_token(token, keys_of(verifier.key.jwk()), {}, kNow).fault == JwtFault::kNone;
        INFO(name << " by " << verifier.key.jwk());
        CHECK(good == (&verifier == &signer));
      }
      // The name of an algorithm that the signature is not of.
      for (const Row& other : rows)
        for (const char* wrong : other.algorithms) {
          if (std::string_view(name) == wrong ||
              (std::string_view(name).starts_with("Ed") && std::string_view(wrong).starts_with("Ed")))
            continue;
          const std::string head = test::base64url(std::string(R"({"alg":")") + wrong + "\"}");
          const std::string forged = head + token.substr(token.find('.'));
          CHECK(judge_token(forged, keys_of(signer.key.jwk()), {}, kNow).fault == JwtFault::kInvalid);
        }
      CHECK(judge_token(token, keys_of(signer.key.jwk()), {.algorithms = {"none-of-these"}}, kNow).why ==
            "the algorithm of the token is not allowed");
      CHECK(judge_token(token, keys_of(signer.key.jwk(R"(,"alg":"RS256")")), {}, kNow).fault ==
            (std::string_view(name) == "RS256" ? JwtFault::kNone : JwtFault::kInvalid));
    }
}

TEST_CASE("jwt: the public half of a key is nobody's secret", "[policy][jwt]") {
  const SigningKey rsa = SigningKey::rsa();
  const JsonWebKeys keys = keys_of(R"({"keys":[)" + rsa.jwk() + "]}");
  for (const std::string& secret : {rsa.jwk(), std::string(), std::string(1, '\0')}) {
    const std::string forged = SigningKey::secret(secret).token("HS256", R"({"exp":1800000100})");
    CHECK(judge_token(forged, keys, {}, kNow).why == "the signature is wrong");
  }
}

TEST_CASE("jwt: what is no token, or wants no signature, is refused", "[policy][jwt]") {
  const JsonWebKeys keys = keys_of(kSecret.jwk());
  const std::string good = kSecret.token("HS256", R"({"exp":1800000100})");
  REQUIRE(judge_token(good, keys, {}, kNow).fault == JwtFault::kNone);
  const std::string body = test::base64url(R"({"exp":1800000100})");
  const auto head = [](const char* json) { return test::base64url(json); };
  const std::string malformed[] = {"",
                                   ".",
                                   "..",
                                   "...",
                                   "a.b",
                                   good + ".x",
                                   good + "=",
                                   " " + good,
                                   "x" + good.substr(1),
                                   good + std::string(20000, 'x'),
                                   head("[]") + "." + body + ".AA",
                                   head("{") + "." + body + ".AA",
                                   head("1") + "." + body + ".AA",
                                   head(R"({"alg":"HS256","kid":7})") + "." + body + ".AA",
                                   std::string(5000, '.')};
  for (const std::string& token : malformed) {
    INFO(token.substr(0, 80));
    CHECK(judge_token(token, keys, {}, kNow).why == "the token is malformed");
  }
  for (const char* algorithm : {"none", "None", "NONE", "", "hs256", "HS1", "RSA-OAEP"}) {
    const std::string token = head((std::string(R"({"alg":")") + algorithm + "\"}").c_str()) + "." + body + ".";
    CHECK(judge_token(token, keys, {}, kNow).why == "the algorithm of the token is not allowed");
  }
  for (const char* header : {"{}", R"({"alg":null})", R"({"alg":["HS256"]})", R"({"alg":{"a":1}})"})
    CHECK(judge_token(head(header) + "." + body + ".", keys, {}, kNow).why ==
          "the algorithm of the token is not allowed");
  CHECK(judge_token(kSecret.token("HS256", R"({"exp":1800000100})", R"(,"crit":["b64"],"b64":false)"), keys, {}, kNow)
            .why == "the token asks for what is not supported");
  for (const char* claims : {"[]", "\"x\"", "{", "", "{\"exp\":1800000100}x"})
    CHECK(why(claims) == "the token is malformed");
  CHECK(why(std::string(3000, '[') + std::string(3000, ']')) == "the token is malformed");
}

TEST_CASE("jwt: its time counts, with some leeway", "[policy][jwt][rfc7519]") {
  const JwtOptions exact{.leeway = Duration::zero()};
  CHECK(why(R"({"exp":1800000001})", exact).empty());
  CHECK(why(R"({"exp":1800000000})", exact) == "the token has expired");
  CHECK(why(R"({"exp":1800000000.5})", exact).empty());
  CHECK(why(R"({"exp":1799999971})").empty());
  CHECK(why(R"({"exp":1799999970})") == "the token has expired");
  CHECK(why(R"({"exp":1800000100,"nbf":1800000031})") == "the token is not valid yet");
  CHECK(why(R"({"exp":1800000100,"nbf":1800000030})").empty());
  CHECK(why(R"({"sub":"a"})") == "the token does not say when it expires");
  CHECK(why(R"({"sub":"a"})", {.expires = false}).empty());
  CHECK(why(R"({"exp":1e300})").empty());
  CHECK(why(R"({"exp":-1e300})") == "the token has expired");
  for (const char* date : {"\"1800000100\"", "null", "true", "[]", "{}"})
    CHECK(why(std::string(R"({"exp":)") + date + "}") == "a date of the token is no number");
  CHECK(judge(R"({"exp":1800000100})").until == kNow + std::chrono::seconds(130));
  CHECK(judge(R"({"exp":1e300})", {.leeway = std::chrono::hours(1)}).until ==
        WallTime(std::chrono::seconds(9'000'000'000)));
  CHECK(judge("{}", {.expires = false}).until == WallTime::max());
}

TEST_CASE("jwt: it is of one issuer, for one audience, with the claims that are asked for", "[policy][jwt][rfc7519]") {
  const JwtOptions options{.issuer = {"https://a", "https://b"}, .audience = {"shop", "till"}};
  CHECK(why(R"({"exp":1800000100,"iss":"https://b","aud":"shop"})", options).empty());
  CHECK(why(R"({"exp":1800000100,"iss":"https://a","aud":["x","till"]})", options).empty());
  CHECK(why(R"({"exp":1800000100,"iss":"https://a/","aud":"shop"})", options) == "the token is of another issuer");
  CHECK(why(R"({"exp":1800000100,"aud":"shop"})", options) == "the token is of another issuer");
  CHECK(why(R"({"exp":1800000100,"iss":"https://a","aud":["x"]})", options) == "the token is for another audience");
  CHECK(why(R"({"exp":1800000100,"iss":"https://a"})", options) == "the token is for another audience");
  const auto lacks = [](const char* claims, const char* name, const char* value) {
    return judge(claims, {.claims = {{name, value}}, .expires = false}).fault == JwtFault::kInsufficient;
  };
  CHECK_FALSE(lacks(R"({"scope":"read write"})", "scope", "write"));
  CHECK_FALSE(lacks(R"({"scope":"read write"})", "scope", "write read"));
  CHECK(lacks(R"({"scope":"read write"})", "scope", "admin"));
  CHECK(lacks(R"({"scope":"read write"})", "scope", " "));
  CHECK(lacks(R"({"role":"read write"})", "role", "write"));
  CHECK_FALSE(lacks(R"({"groups":["a","b"]})", "groups", "b"));
  CHECK(lacks(R"({"groups":["a","b"]})", "groups", "c"));
  CHECK_FALSE(lacks(R"({"realm":{"roles":["a"]}})", "realm.roles", "a"));
  CHECK_FALSE(lacks(R"({"https://x.y/z":"1"})", "https://x.y/z", "1"));
  CHECK_FALSE(lacks(R"({"admin":true,"n":7})", "admin", "true"));
  CHECK_FALSE(lacks(R"({"email":""})", "email", "*"));
  CHECK(lacks("{}", "email", "*"));
  CHECK(lacks(R"({"email":null})", "email", "*"));
}

TEST_CASE("jwt: claims become fields, as text", "[policy][jwt]") {
  const JwtOptions options{.expires = false,
                           .user = "email",
                           .headers = {{"X-Sub", "sub"},
                                       {"X-N", "n"},
                                       {"X-Groups", "groups"},
                                       {"X-More", "more"},
                                       {"X-None", "none"},
                                       {"X-Deep", "a.b"}}};
  const JwtVerdict verdict =
      judge(R"({"email":"a@b","sub":" x ","n":42,"groups":["a","b c"],"more":{"k":[1]},"a":{"b":true}})", options);
  REQUIRE(verdict.fault == JwtFault::kNone);
  CHECK(verdict.identity->user == "a@b");
  using Fields = std::vector<std::pair<std::string, std::string>>;
  CHECK(verdict.identity->fields ==
        Fields{{"X-Sub", "x"}, {"X-N", "42"}, {"X-Groups", "a, b c"}, {"X-More", R"({"k":[1]})"}, {"X-Deep", "true"}});
  for (const char* claims :
       {R"({"sub":"a\nX-Admin: 1"})", R"({"sub":"a\u0000b"})", R"({"email":"a\rb"})", R"({"groups":["a","\u007f"]})"})
    CHECK(why(claims, options) == "a claim has control characters");
}

TEST_CASE("jwt: the id of a key chooses it, and one that is not known is told apart", "[policy][jwt]") {
  const SigningKey one = SigningKey::ec("P-256");
  const SigningKey two = SigningKey::ec("P-256");
  const JsonWebKeys keys = keys_of(R"({"keys":[)" + one.jwk(R"(,"kid":"1")") + "," + two.jwk(R"(,"kid":"2")") + "]}");
  const std::string claims = R"({"exp":1800000100})";
  CHECK(judge_token(two.token("ES256", claims, R"(,"kid":"2")"), keys, {}, kNow).fault == JwtFault::kNone);
  CHECK(judge_token(two.token("ES256", claims), keys, {}, kNow).fault == JwtFault::kNone);
  CHECK(judge_token(two.token("ES256", claims, R"(,"kid":"1")"), keys, {}, kNow).fault == JwtFault::kInvalid);
  CHECK(judge_token(two.token("ES256", claims, R"(,"kid":"3")"), keys, {}, kNow).fault == JwtFault::kUnknownKey);
  CHECK(judge_token(one.token("ES256", claims, R"(,"kid":"3")"), keys_of(one.jwk()), {}, kNow).fault ==
        JwtFault::kNone);
}

TEST_CASE("jwt: keys that are weak or make no sense are told of, others left out", "[policy][jwt][rfc7517]") {
  const auto told = [](const std::string& json, JsonWebKeys::From from = JsonWebKeys::From::kFile) {
    const auto read = JsonWebKeys::parse(json, from);
    return read ? std::to_string(read->size()) : read.error().detail;
  };
  const std::string ec = SigningKey::ec("P-256").jwk();
  CHECK(told(R"({"keys":[)" + ec + R"(,{"kty":"odd"},{"kty":"EC","crv":"secp256k1"},)" +
             SigningKey::ed("Ed25519").jwk(R"(,"use":"enc")") + "," +
             SigningKey::ed("Ed25519").jwk(R"(,"key_ops":["sign"])") + "," +
             SigningKey::ed("Ed25519").jwk(R"(,"use":"sig","key_ops":["verify"])") + "]}") == "2");
  CHECK(told(ec) == "1");
  CHECK(told(SigningKey::rsa(1024).jwk()) == "key 1: it is of 1024 bits, not 2048 to 8192");
  CHECK(told(SigningKey::secret("short").jwk()) == "key 1: its secret has fewer than 32 bytes");
  CHECK(told(R"({"keys":[)" + ec + "," + kSecret.jwk() + "]}") == "2");
  CHECK(told(R"({"keys":[)" + ec + "," + kSecret.jwk() + "]}", JsonWebKeys::From::kUrl) == "1");
  CHECK(told(kSecret.jwk(), JsonWebKeys::From::kUrl) == "it has no key that verifies signatures");
  CHECK(told(R"({"keys":[]})") == "it has no key that verifies signatures");
  CHECK(told("{}") == "neither a set of keys nor one: see RFC 7517");
  CHECK(told(R"({"keys":[1]})") == "key 1: it is no object");
  CHECK(told("[]").starts_with("not JSON as it should be"));
  CHECK(told("nonsense").starts_with("not JSON as it should be"));
  CHECK(told(R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})") ==
        "key 1: its coordinates are not as long as the curve's");
  const std::string off = test::base64url(std::string(32, 'x'));
  CHECK(told(R"({"kty":"EC","crv":"P-256","x":")" + off + R"(","y":")" + off + "\"}") ==
        "key 1: its numbers make no key");
  CHECK(told(R"({"kty":"OKP","crv":"Ed25519","x":"AA"})") == "key 1: its bytes make no key");
  std::string many = R"({"keys":[)" + ec;
  for (int i = 0; i < 64; ++i) many += "," + ec;
  CHECK(told(many + "]}") == "it has more than 64 keys");
  // Not all of them are looked at first.
  CHECK(told(many + R"(,{"kty":"RSA","n":"AA","e":"AA"}]})") == "it has more than 64 keys");
}

TEST_CASE("jwt: of the keys of a URL those that are weak or wrong are left out, unless none is left",
          "[policy][jwt][rfc7517]") {
  const auto read = [](const std::string& list) {
    return JsonWebKeys::parse(R"({"keys":[)" + list + "]}", JsonWebKeys::From::kUrl);
  };
  const SigningKey good = SigningKey::ec("P-256");
  const std::string weak = SigningKey::rsa(1024).jwk();
  const auto keys = read("1," + weak + R"(,{"kty":"OKP","crv":"Ed25519","x":"AA"},)" + good.jwk());
  REQUIRE(keys);
  CHECK(keys->size() == 1);
  CHECK(keys->complaint() == "key 1: it is no object");
  CHECK(judge_token(good.token("ES256", R"({"exp":1800000100})"), *keys, {}, kNow).fault == JwtFault::kNone);
  CHECK(read(good.jwk() + R"(,{"kty":"odd"})")->complaint().empty());
  std::string many = good.jwk();
  for (int i = 0; i < 64; ++i) many += R"(,{"kty":"RSA","n":"AA","e":"AA"})";
  CHECK(read(many).error().detail == "it has more than 64 keys");
  const auto none = read(weak);
  REQUIRE_FALSE(none);
  CHECK(none.error().detail == "it has no key that verifies signatures; key 1: it is of 1024 bits, not 2048 to 8192");
}

TEST_CASE("jwt: a token follows the word Bearer, alone", "[policy][jwt][rfc6750]") {
  CHECK(bearer_token("Bearer a.b.c") == "a.b.c");
  CHECK(bearer_token("bearer   a.b.c ") == "a.b.c");
  for (const char* value : {"", "Bearer", "Bearer ", "Basic a.b.c", "Bearera.b.c", "Bearer a b", "Bearer a,b"})
    CHECK(bearer_token(value).empty());
}
