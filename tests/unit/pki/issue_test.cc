#include "pki/issue.h"

#include <openssl/x509v3.h>

#include <catch2/catch.hpp>

#include "pki/facts.h"
#include "pki/key.h"

namespace rpx::pki {
namespace {

constexpr WallTime kNow = WallTime(std::chrono::seconds(1'800'000'000));

TEST_CASE("issue: a certificate says what was wanted of it", "[pki][rfc5280]") {
  const auto ca_key = make_key(KeyKind::kEcP256);
  const auto key = make_key(KeyKind::kRsa2048);
  REQUIRE(ca_key);
  REQUIRE(key);
  const auto ca = make_certificate(ca_key->get(), {.common_name = "the CA", .from = kNow, .authority = true}, nullptr);
  REQUIRE(ca);
  const Issuer issuer{ca->get(), ca_key->get()};
  const auto leaf = make_certificate(
      key->get(), {.names = {"a.test", "*.b.test", "127.0.0.1", "::1"}, .from = kNow, .life = std::chrono::hours(48)},
      &issuer);
  REQUIRE(leaf);
  const CertificateFacts authority = facts_of(ca->get());
  const CertificateFacts facts = facts_of(leaf->get());
  CHECK(authority.authority);
  CHECK(authority.self_issued);
  CHECK_FALSE(facts.authority);
  CHECK_FALSE(facts.self_issued);
  CHECK(facts.subject == "CN=a.test");
  CHECK(facts.issuer == "CN=the CA");
  CHECK(facts.names == std::vector<std::string>{"a.test", "*.b.test", "127.0.0.1", "::1"});
  CHECK(facts.key == "RSA 2048");
  CHECK(facts.from == kNow);
  CHECK(facts.until == kNow + std::chrono::hours(48));
  CHECK(days_left(facts, kNow) == 2);
  CHECK(days_left(facts, kNow + std::chrono::hours(47)) == 0);
  CHECK(days_left(facts, kNow + std::chrono::hours(49)) == -1);
  CHECK(facts.serial != authority.serial);
  CHECK(facts.serial.size() == 32);
  CHECK(X509_verify(leaf->get(), ca_key->get()) == 1);
  CHECK(X509_check_purpose(leaf->get(), X509_PURPOSE_SSL_SERVER, 0) == 1);
  CHECK(X509_check_purpose(leaf->get(), X509_PURPOSE_SSL_CLIENT, 0) == 0);
}

TEST_CASE("issue: one for clients is for clients alone", "[pki]") {
  const auto key = make_key(KeyKind::kEd25519);
  REQUIRE(key);
  const auto own = make_certificate(key->get(), {.common_name = "alice", .from = kNow, .client = true}, nullptr);
  REQUIRE(own);
  CHECK(X509_check_purpose(own->get(), X509_PURPOSE_SSL_CLIENT, 0) == 1);
  CHECK(X509_check_purpose(own->get(), X509_PURPOSE_SSL_SERVER, 0) == 0);
}

TEST_CASE("issue: names that could smuggle others in are refused", "[pki]") {
  const auto key = make_key(KeyKind::kEcP256);
  REQUIRE(key);
  for (const char* name :
       {"", "a b", "a.test,DNS:evil.test", "a.test\nDNS:b", "*.", "*a.test", "-a.test", "a/b", "[::1]"}) {
    CAPTURE(name);
    CHECK_FALSE(is_san(name));
    CHECK(make_certificate(key->get(), {.names = {name}, .from = kNow}, nullptr).error().kind == ErrorKind::kUsage);
    CHECK(make_request(key->get(), {.names = {name}}).error().kind == ErrorKind::kUsage);
  }
  for (const char* name : {"a", "a.test", "*.a.test", "xn--bcher-kva.example", "10.0.0.1", "fd00::1"})
    CHECK(is_san(name));
}

TEST_CASE("issue: a request holds its names and proves its key", "[pki][rfc2986]") {
  const auto key = make_key(KeyKind::kEcP256);
  REQUIRE(key);
  const auto request = make_request(key->get(), {.names = {"a.test", "10.0.0.1"}});
  REQUIRE(request);
  CHECK(X509_REQ_verify(request->get(), key->get()) == 1);
  CHECK(pem_of(request->get()).starts_with("-----BEGIN CERTIFICATE REQUEST-----\n"));
}

}  // namespace
}  // namespace rpx::pki
