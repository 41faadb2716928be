#include "pki/facts.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "base/text.h"
#include "pki/key.h"
#include "tls/certificate.h"

namespace rpx::pki {
namespace {

std::string name_text(const X509_NAME* name) {
  const tls::BioPtr bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(std::max(0L, size))};
}

std::string serial_of(const X509* certificate) {
  BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr);
  char* text = BN_bn2hex(number);
  std::string out = lower(text == nullptr ? "" : text);
  OPENSSL_free(text);
  BN_free(number);
  return out;
}

}  // namespace

WallTime time_of(const ASN1_TIME* time) noexcept {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return {};
  constexpr std::chrono::seconds kFirst = std::chrono::years(-200);
  constexpr std::chrono::seconds kLast = std::chrono::years(290);
  return WallTime(std::clamp(std::chrono::seconds(timegm(&parts)), kFirst, kLast));
}

CertificateFacts facts_of(X509* certificate) {
  CertificateFacts out;
  out.subject = name_text(X509_get_subject_name(certificate));
  out.issuer = name_text(X509_get_issuer_name(certificate));
  out.serial = serial_of(certificate);
  const tls::Names names = tls::names_of(certificate);
  out.names = names.dns;
  for (const IpAddress& address : names.addresses) out.names.push_back(address.to_string());
  out.from = time_of(X509_get0_notBefore(certificate));
  out.until = time_of(X509_get0_notAfter(certificate));
  if (const EVP_PKEY* key = X509_get0_pubkey(certificate)) out.key = describe_key(key);
  if (const char* signature = OBJ_nid2ln(X509_get_signature_nid(certificate))) out.signature = signature;
  out.fingerprint = tls::fingerprint_of(certificate);
  out.authority = X509_check_ca(certificate) == 1;
  out.self_issued = X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
  tls::take_openssl_error();
  return out;
}

std::int64_t days_left(const CertificateFacts& facts, WallTime now) noexcept {
  return std::chrono::floor<std::chrono::days>(facts.until - now).count();
}

}  // namespace rpx::pki
