#include "pki/acme.h"

#include <catch2/catch.hpp>

#include "pki/challenge.h"
#include "pki/issue.h"
#include "pki/key.h"

using namespace rpx;

TEST_CASE("acme: a directory needs what every order begins with", "[pki][rfc8555-7.1.1]") {
  const auto good = pki::parse_directory(
      R"({"newNonce":"n","newAccount":"a","newOrder":"o","meta":{"termsOfService":"t","externalAccountRequired":true}})");
  REQUIRE(good);
  CHECK(good->terms == "t");
  CHECK(good->needs_external_account);
  CHECK(good->renewal_info.empty());
  for (const char* bad : {"", "[]", "{}", "{", R"({"newNonce":1,"newAccount":"a","newOrder":"o"})"})
    CHECK_FALSE(pki::parse_directory(bad));
}

TEST_CASE("acme: the challenge that was asked for is found, and tokens are what may stand in a path",
          "[pki][rfc8555-8.1]") {
  const std::string json = R"({"status":"pending","identifier":{"type":"dns","value":"a.test"},"challenges":[)"
                           R"({"type":"dns-01","url":"d","token":"t1"},{"type":"http-01","url":"h","token":"t-2_"}]})";
  const auto found = pki::parse_authorization(json, "http-01");
  REQUIRE(found);
  CHECK(found->url == "h");
  CHECK(found->token == "t-2_");
  CHECK(pki::parse_authorization(json, "tls-alpn-01")->url.empty());
  CHECK_FALSE(pki::parse_authorization(
      R"({"status":"pending","challenges":[{"type":"http-01","url":"h","token":"../x"}]})", "http-01"));
}

TEST_CASE("acme: orders and problems are read, and what they are not is told", "[pki]") {
  const auto order = pki::parse_order(R"({"status":"invalid","authorizations":["x","y"],"error":{"detail":"no"}})");
  REQUIRE(order);
  CHECK(order->authorizations == std::vector<std::string>{"x", "y"});
  CHECK(order->error == "no");
  CHECK_FALSE(pki::parse_order(R"({"status":"ready","authorizations":[{}]})"));
  CHECK_FALSE(pki::parse_order("{}"));
  const auto problem = pki::parse_problem(R"({"type":"urn:ietf:params:acme:error:badNonce","detail":"stale"})");
  CHECK(problem.type == "badNonce");
  CHECK(problem.text == "stale");
  CHECK(pki::parse_problem("<html>").type.empty());
}

TEST_CASE("acme: a renewal window has an end after its beginning", "[pki][rfc9773-4.2]") {
  CHECK(pki::parse_renewal(R"({"suggestedWindow":{"start":"2025-01-02T04:00:00Z","end":"2025-01-03T04:00:00Z"}})"));
  CHECK_FALSE(
      pki::parse_renewal(R"({"suggestedWindow":{"start":"2025-01-03T04:00:00Z","end":"2025-01-02T04:00:00Z"}})"));
  CHECK_FALSE(pki::parse_renewal(R"({"suggestedWindow":{"start":"soon","end":"later"}})"));
  CHECK_FALSE(pki::parse_renewal("{}"));
}

TEST_CASE("acme: a certificate is called by its issuer's key and its serial number", "[pki][rfc9773-4.1]") {
  const tls::KeyPtr key = pki::make_key(pki::KeyKind::kEcP256).value();
  pki::Wanted wanted{.names = {}, .common_name = "ca", .from = std::chrono::system_clock::now(), .authority = true};
  const tls::X509Ptr authority = pki::make_certificate(key.get(), wanted, nullptr).value();
  CHECK(pki::renewal_id(authority.get()).empty());
  wanted = {.names = {"a.test"}, .common_name = {}, .from = wanted.from};
  const pki::Issuer issuer{authority.get(), key.get()};
  const tls::X509Ptr leaf = pki::make_certificate(key.get(), wanted, &issuer).value();
  // The serial of the RFC's example.
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(leaf.get()), 0x87654321);
  CHECK(pki::renewal_id(leaf.get()).ends_with(".AIdlQyE"));
}

TEST_CASE("acme: the proof over TLS is critical and for the one name", "[pki][rfc8737-3]") {
  const tls::KeyPtr key = pki::make_key(pki::KeyKind::kEcP256).value();
  const auto proof = pki::make_proof({"tls-alpn-01", "a.test", "token", "token.print"}, key.get());
  REQUIRE(proof);
  ASN1_OBJECT* const id = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
  const int at = X509_get_ext_by_OBJ(proof->get(), id, -1);
  ASN1_OBJECT_free(id);
  REQUIRE(at >= 0);
  X509_EXTENSION* const extension = X509_get_ext(proof->get(), at);
  CHECK(X509_EXTENSION_get_critical(extension) == 1);
  CHECK(ASN1_STRING_length(X509_EXTENSION_get_data(extension)) == 34);
  CHECK(X509_verify(proof->get(), key.get()) == 1);
}
