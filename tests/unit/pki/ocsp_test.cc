#include "pki/ocsp.h"

#include <openssl/pem.h>

#include <catch2/catch.hpp>
#include <string>

#include "pki/key.h"
#include "pki/revocation.h"

using namespace rpx;

namespace {

// An authority, and a certificate of it.
struct Pair {
  tls::KeyPtr key = pki::make_key(pki::KeyKind::kEcP256).value();
  tls::X509Ptr authority;
  tls::X509Ptr leaf;
  WallTime now = std::chrono::system_clock::now();

  Pair() {
    const pki::Wanted ca{.names = {}, .common_name = "ca", .from = now, .authority = true};
    authority = pki::make_certificate(key.get(), ca, nullptr).value();
    pki::Wanted wanted{.names = {"a.test"}, .common_name = {}, .from = now};
    wanted.responder = "http://127.0.0.1:1/ocsp";
    const pki::Issuer by = issuer();
    leaf = pki::make_certificate(key.get(), wanted, &by).value();
  }
  pki::Issuer issuer() const { return {authority.get(), key.get()}; }
  std::string answer(pki::OcspStatus status, WallTime from, WallTime at = {}) const {
    return pki::make_ocsp_response(issuer(), leaf.get(), status, from, std::chrono::hours(1), at).value();
  }
};

}  // namespace

TEST_CASE("ocsp: the responder is what the certificate names", "[pki][rfc6960-3.1]") {
  const Pair pair;
  CHECK(pki::responder_of(pair.leaf.get()) == "http://127.0.0.1:1/ocsp");
  CHECK(pki::responder_of(pair.authority.get()).empty());
  CHECK(pki::ocsp_request(pair.leaf.get(), pair.authority.get()).value().size() > 40);
}

TEST_CASE("ocsp: good, revoked and unknown are told apart", "[pki][rfc6960-2.2]") {
  const Pair pair;
  for (const auto status : {pki::OcspStatus::kGood, pki::OcspStatus::kRevoked, pki::OcspStatus::kUnknown}) {
    const auto read = pki::read_ocsp_response(pair.answer(status, pair.now, pair.now), pair.leaf.get(),
                                              pair.authority.get(), pair.now);
    REQUIRE(read);
    CHECK(read->status == status);
    CHECK(read->until - read->from == std::chrono::hours(1));
    CHECK((read->revoked_at != WallTime{}) == (status == pki::OcspStatus::kRevoked));
  }
}

TEST_CASE("ocsp: an answer that proves nothing is refused", "[pki][rfc6960-3.2]") {
  const Pair pair;
  const Pair other;
  const auto refused = [](const std::string& der, const Pair& about, WallTime now) {
    const auto read = pki::read_ocsp_response(der, about.leaf.get(), about.authority.get(), now);
    return read ? std::string() : read.error().detail;
  };
  const std::string good = pair.answer(pki::OcspStatus::kGood, pair.now);
  CHECK(refused(good, pair, pair.now).empty());
  CHECK(refused(good, other, pair.now).find("not signed by the authority") != std::string::npos);
  CHECK(refused(good, pair, pair.now + std::chrono::hours(2)).find("has run out") != std::string::npos);
  CHECK(refused(good, pair, pair.now - std::chrono::hours(2)).find("not valid yet") != std::string::npos);
  CHECK(refused("nonsense", pair, pair.now).find("makes no sense") != std::string::npos);
  CHECK(refused("", pair, pair.now).find("makes no sense") != std::string::npos);
  // tryLater (RFC 6960 section 4.2.1)
  CHECK(refused(std::string("\x30\x03\x0a\x01\x03", 5), pair, pair.now).find("trylater") != std::string::npos);
  const pki::Issuer issuer = pair.issuer();
  pki::Wanted wanted{.names = {"b.test"}, .common_name = {}, .from = pair.now};
  const tls::X509Ptr sibling = pki::make_certificate(pair.key.get(), wanted, &issuer).value();
  const auto read = pki::read_ocsp_response(good, sibling.get(), pair.authority.get(), pair.now);
  REQUIRE_FALSE(read);
  CHECK(read.error().detail.find("about another certificate") != std::string::npos);
}

TEST_CASE("ocsp: a list of revoked certificates has them and no others", "[pki][rfc5280-5]") {
  const Pair pair;
  const pki::Revoked revoked{.certificate = pair.leaf.get(), .at = pair.now};
  const std::string pem = pki::make_crl(pair.issuer(), {&revoked, 1}, pair.now, std::chrono::hours(1)).value();
  const tls::BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  X509_CRL* const crl = PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr);
  REQUIRE(crl != nullptr);
  X509_REVOKED* entry = nullptr;
  CHECK(X509_CRL_get0_by_cert(crl, &entry, pair.leaf.get()) == 1);
  CHECK(X509_CRL_get0_by_cert(crl, &entry, pair.authority.get()) == 0);
  CHECK(X509_CRL_verify(crl, pair.key.get()) == 1);
  X509_CRL_free(crl);
}
