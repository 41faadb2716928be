// A certificate of anybody's: what is told of it is text that can be printed, whatever stands in it.
#include "tls/certificate.h"
#include "fuzz.h"
#include "pki/acme.h"
#include "pki/facts.h"
#include "pki/verify.h"

using namespace rpx;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const unsigned char* bytes = data;
  tls::X509Ptr certificate(d2i_X509(nullptr, &bytes, static_cast<long>(size)));
  tls::take_openssl_error();
  if (!certificate) return 0;
  const pki::CertificateFacts facts = pki::facts_of(certificate.get());
  RPX_CHECK(facts.fingerprint.size() == 64);
  for (const std::string* text : {&facts.subject, &facts.issuer})
    for (const char c : *text) RPX_CHECK(c >= ' ' && c <= '~');
  RPX_CHECK(facts.names.size() <= size);
  for (const char c : pki::renewal_id(certificate.get())) RPX_CHECK(c > ' ' && c <= '~');
  std::vector<tls::X509Ptr> chain;
  chain.push_back(std::move(certificate));
  RPX_CHECK(pki::findings_of(chain, {.name = "a.test", .trust = false, .now = {}}).has_value());
  return 0;
}
