#include "pki/jose.h"

#include <catch2/catch.hpp>

#include "base/base64.h"
#include "pki/key.h"

using namespace rpx;

namespace {

std::string member(const std::string& json, const std::string& name) {
  const std::string opening = "\"" + name + "\":\"";
  const std::size_t begin = json.find(opening) + opening.size();
  return json.substr(begin, json.find('"', begin) - begin);
}

}  // namespace

TEST_CASE("jose: a shared secret signs as the example does", "[pki][rfc7515-A.1]") {
  const auto secret =
      from_base64url("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
  const std::string json =
      pki::sign_hs256(*secret, "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}",
                      "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}");
  CHECK(member(json, "protected") == "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9");
  CHECK(member(json, "signature") == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

TEST_CASE("jose: an EC key signs 64 bytes, and its JSON form has members in the order of names", "[pki][rfc7518-3.4]") {
  const tls::KeyPtr key = pki::make_key(pki::KeyKind::kEcP256).value();
  const std::string json = pki::sign_es256(key.get(), "{}", "payload").value();
  CHECK(from_base64url(member(json, "signature"))->size() == 64);
  const std::string jwk = pki::jwk_of(key.get()).value();
  CHECK(jwk.starts_with(R"({"crv":"P-256","kty":"EC","x":")"));
  CHECK(from_base64url(member(jwk, "x"))->size() == 32);
  CHECK(from_base64url(member(jwk, "y"))->size() == 32);
  CHECK(from_base64url(pki::thumbprint_of(key.get()).value())->size() == 32);
}

TEST_CASE("jose: other kinds of keys are no account keys", "[pki]") {
  for (const auto kind : {pki::KeyKind::kEcP384, pki::KeyKind::kEd25519})
    CHECK_FALSE(pki::jwk_of(pki::make_key(kind).value().get()));
}

TEST_CASE("jose: base64url has no padding and no characters of paths", "[pki][rfc4648-5]") {
  CHECK(pki::to_base64url("") == "");
  CHECK(pki::to_base64url("\xfb\xff") == "-_8");
}
