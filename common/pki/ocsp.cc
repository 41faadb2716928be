#include "pki/ocsp.h"

#include <fmt/format.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "base/result.h"
#include "pki/facts.h"
#include "pki/https.h"

namespace rpx::pki {
namespace {

using OcspRequestPtr = std::unique_ptr<OCSP_REQUEST, tls::Freed<OCSP_REQUEST_free>>;
using OcspReplyPtr = std::unique_ptr<OCSP_RESPONSE, tls::Freed<OCSP_RESPONSE_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, tls::Freed<OCSP_BASICRESP_free>>;
using IdPtr = std::unique_ptr<OCSP_CERTID, tls::Freed<OCSP_CERTID_free>>;
using TrustPtr = std::unique_ptr<X509_STORE, tls::Freed<X509_STORE_free>>;

struct FreeKnown {
  void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_free(stack); }
};

constexpr long kClockSlack = 300;  // seconds

std::unexpected<Error> bad_answer(std::string_view why) {
  const std::string said = tls::take_openssl_error();
  return upstream_error(ErrorKind::kBadResponse,
                        fmt::format("the responder's answer {}{}{}", why, said.empty() ? "" : ": ", said));
}

// The issuer is all that is trusted: nobody else has to say whether it has revoked a certificate.
Status verify_signature(OCSP_BASICRESP* basic, X509* issuer) {
  const TrustPtr store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), issuer);
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  const std::unique_ptr<STACK_OF(X509), FreeKnown> known(sk_X509_new_null());
  sk_X509_push(known.get(), issuer);
  if (OCSP_basic_verify(basic, known.get(), store.get(), 0) != 1) return bad_answer("is not signed by the authority");
  return {};
}

}  // namespace

std::string_view name_of(OcspStatus status) noexcept {
  switch (status) {
    case OcspStatus::kGood: return "good";
    case OcspStatus::kRevoked: return "revoked";
    case OcspStatus::kUnknown: break;
  }
  return "unknown";
}

std::string responder_of(X509* certificate) {
  STACK_OF(OPENSSL_STRING)* urls = X509_get1_ocsp(certificate);
  std::string out;
  for (int i = 0; out.empty() && i < sk_OPENSSL_STRING_num(urls); ++i) out = sk_OPENSSL_STRING_value(urls, i);
  X509_email_free(urls);
  tls::take_openssl_error();
  return out;
}

Result<std::string> ocsp_request(X509* certificate, X509* issuer) {
  const OcspRequestPtr request(OCSP_REQUEST_new());
  IdPtr id(OCSP_cert_to_id(EVP_sha1(), certificate, issuer));
  if (!request || !id || OCSP_request_add0_id(request.get(), id.get()) == nullptr)
    return self_error(ErrorKind::kInternal, "cannot make the request: " + tls::take_openssl_error());
  [[maybe_unused]] OCSP_CERTID* given = id.release();
  unsigned char* bytes = nullptr;
  const int size = i2d_OCSP_REQUEST(request.get(), &bytes);
  std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(std::max(0, size)));
  OPENSSL_free(bytes);
  return out;
}

Result<OcspAnswer> read_ocsp_response(std::string_view der, X509* certificate, X509* issuer, WallTime now) {
  tls::take_openssl_error();
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const OcspReplyPtr response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
  if (!response) return bad_answer("makes no sense");
  if (const int status = OCSP_response_status(response.get()); status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    return bad_answer(fmt::format("is \"{}\"", OCSP_response_status_str(status)));
  const BasicPtr basic(OCSP_response_get1_basic(response.get()));
  if (!basic) return bad_answer("makes no sense");
  RPX_TRY_VOID(verify_signature(basic.get(), issuer));
  const IdPtr id(OCSP_cert_to_id(EVP_sha1(), certificate, issuer));
  int status = 0;
  int reason = -1;
  ASN1_GENERALIZEDTIME* revoked_at = nullptr;
  ASN1_GENERALIZEDTIME* from = nullptr;
  ASN1_GENERALIZEDTIME* until = nullptr;
  if (OCSP_resp_find_status(basic.get(), id.get(), &status, &reason, &revoked_at, &from, &until) != 1)
    return bad_answer("is about another certificate");
  OcspAnswer out{.status = status == V_OCSP_CERTSTATUS_GOOD      ? OcspStatus::kGood
                           : status == V_OCSP_CERTSTATUS_REVOKED ? OcspStatus::kRevoked
                                                                 : OcspStatus::kUnknown,
                 .from = time_of(from),
                 .until = time_of(until),
                 .revoked_at = time_of(revoked_at),
                 .reason = reason >= 0 ? OCSP_crl_reason_str(reason) : "",
                 .response = std::string(der)};
  const auto slack = std::chrono::seconds(kClockSlack);
  if (out.from > now + slack) return bad_answer("is not valid yet");
  if (out.until != WallTime{} && out.until + slack < now) return bad_answer("has run out");
  return out;
}

Result<OcspAnswer> ask_ocsp(const std::string& url, X509* certificate, X509* issuer, Instant deadline) {
  RPX_TRY(std::string body, ocsp_request(certificate, issuer));
  const WebRequest request{.method = "POST",
                           .url = url,
                           .content_type = "application/ocsp-request",
                           .accept = "application/ocsp-response",
                           .body = std::move(body)};
  const Result<WebReply> reply =
      url.starts_with("https://") ? ask_https(request, {}, deadline) : ask_http(request, deadline);
  const auto at_url = [&url](Error error) {
    error.detail = fmt::format("{}: {}", url, error.detail);
    return std::unexpected(std::move(error));
  };
  if (!reply) return at_url(reply.error());
  if (reply->status != 200)
    return at_url({ErrorKind::kBadResponse, Side::kUpstream, fmt::format("it answers {}", reply->status)});
  Result<OcspAnswer> answer = read_ocsp_response(reply->body, certificate, issuer, std::chrono::system_clock::now());
  return answer ? std::move(answer) : at_url(std::move(answer).error());
}

}  // namespace rpx::pki
