#include "pki/revocation.h"

#include <fmt/format.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>

#include "base/result.h"

namespace rpx::pki {
namespace {

using CrlPtr = std::unique_ptr<X509_CRL, tls::Freed<X509_CRL_free>>;
using EntryPtr = std::unique_ptr<X509_REVOKED, tls::Freed<X509_REVOKED_free>>;
using TimePtr = std::unique_ptr<ASN1_TIME, tls::Freed<ASN1_TIME_free>>;
using SignedPtr = std::unique_ptr<OCSP_BASICRESP, tls::Freed<OCSP_BASICRESP_free>>;
using AnswerPtr = std::unique_ptr<OCSP_RESPONSE, tls::Freed<OCSP_RESPONSE_free>>;
using SubjectIdPtr = std::unique_ptr<OCSP_CERTID, tls::Freed<OCSP_CERTID_free>>;

std::unexpected<Error> cannot(std::string_view what) {
  return self_error(ErrorKind::kInternal, fmt::format("cannot {}: {}", what, tls::take_openssl_error()));
}

TimePtr time_at(WallTime time) { return TimePtr(ASN1_TIME_set(nullptr, std::chrono::system_clock::to_time_t(time))); }

WallTime later(WallTime from, Duration span) { return from + std::chrono::duration_cast<WallTime::duration>(span); }

const EVP_MD* digest_of(const EVP_PKEY* key) { return EVP_PKEY_is_a(key, "ED25519") == 1 ? nullptr : EVP_sha256(); }

}  // namespace

Result<std::string> make_crl(const Issuer& issuer, std::span<const Revoked> revoked, WallTime from, Duration life) {
  const CrlPtr crl(X509_CRL_new());
  const TimePtr begin = time_at(from);
  const TimePtr end = time_at(later(from, life));
  if (!crl || X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2) != 1 ||
      X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer.certificate)) != 1 ||
      X509_CRL_set1_lastUpdate(crl.get(), begin.get()) != 1 || X509_CRL_set1_nextUpdate(crl.get(), end.get()) != 1)
    return cannot("make the list");
  for (const Revoked& one : revoked) {
    EntryPtr entry(X509_REVOKED_new());
    const TimePtr at = time_at(one.at);
    if (!entry || X509_REVOKED_set_serialNumber(entry.get(), X509_get_serialNumber(one.certificate)) != 1 ||
        X509_REVOKED_set_revocationDate(entry.get(), at.get()) != 1 ||
        X509_CRL_add0_revoked(crl.get(), entry.get()) != 1)
      return cannot("add to the list");
    [[maybe_unused]] X509_REVOKED* given = entry.release();
  }
  X509_CRL_sort(crl.get());
  if (X509_CRL_sign(crl.get(), issuer.key, digest_of(issuer.key)) == 0) return cannot("sign the list");
  const tls::BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_CRL(bio.get(), crl.get());
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(std::max(0L, size)));
}

Result<std::string> make_ocsp_response(const Issuer& issuer, X509* certificate, OcspStatus status, WallTime from,
                                       Duration life, WallTime revoked_at) {
  const SignedPtr basic(OCSP_BASICRESP_new());
  const SubjectIdPtr id(OCSP_cert_to_id(EVP_sha1(), certificate, issuer.certificate));
  const TimePtr begin = time_at(from);
  const TimePtr end = time_at(later(from, life));
  const TimePtr at = time_at(revoked_at);
  const int code = status == OcspStatus::kGood      ? V_OCSP_CERTSTATUS_GOOD
                   : status == OcspStatus::kRevoked ? V_OCSP_CERTSTATUS_REVOKED
                                                    : V_OCSP_CERTSTATUS_UNKNOWN;
  if (!basic || !id ||
      OCSP_basic_add1_status(basic.get(), id.get(), code, OCSP_REVOKED_STATUS_NOSTATUS, at.get(), begin.get(),
                             end.get()) == nullptr ||
      OCSP_basic_sign(basic.get(), issuer.certificate, issuer.key, digest_of(issuer.key), nullptr, 0) != 1)
    return cannot("make the answer");
  const AnswerPtr response(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  unsigned char* bytes = nullptr;
  const int size = response ? i2d_OCSP_RESPONSE(response.get(), &bytes) : 0;
  if (size <= 0) return cannot("write the answer");
  std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return out;
}

}  // namespace rpx::pki
