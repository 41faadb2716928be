#include "pki/acme.h"

#include <fmt/format.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

#include "base/result.h"
#include "base/text.h"
#include "pki/issue.h"
#include "pki/jose.h"
#include "tls/certificate.h"

namespace rpx::pki {
namespace {

constexpr int kTries = 6;
constexpr std::chrono::seconds kFirstWait{1};
// Most are done at once; who is not is asked less and less often.
constexpr std::chrono::milliseconds kFirstPoll{100};
constexpr std::chrono::milliseconds kLastPoll{2000};
// RFC 9773 section 4.3.2 leaves it to clients where a server says nothing.
constexpr std::chrono::hours kAskAgain{6};

Instant steady_now() { return std::chrono::steady_clock::now(); }

// Retry-After in seconds; the other form, a date, is taken as a minute.
Duration retry_after(const WebReply& reply, Duration standard) {
  const std::string text = reply.field("retry-after");
  if (text.empty()) return standard;
  return std::chrono::seconds(std::min<std::uint64_t>(parse_uint(text).value_or(60), 86'400));
}

Error refusal_of(const WebReply& reply) {
  const AcmeProblem problem = parse_problem(reply.body);
  std::string text = fmt::format("the ACME server answers {}: {}", reply.status, problem.text);
  if (!problem.type.empty()) text += fmt::format(" ({})", problem.type);
  return {ErrorKind::kBadResponse, Side::kUpstream, std::move(text)};
}

std::string der_of(X509* certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(std::max(0, size)));
  OPENSSL_free(bytes);
  return out;
}

std::string der_of(X509_REQ* request) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509_REQ(request, &bytes);
  std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(std::max(0, size)));
  OPENSSL_free(bytes);
  return out;
}

std::string identifiers_of(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names)
    out += fmt::format(R"({}{{"type":"{}","value":{}}})", out.empty() ? "" : ",", IpAddress::parse(name) ? "ip" : "dns",
                       json_text(name));
  return out;
}

}  // namespace

std::string renewal_id(X509* certificate) {
  const ASN1_OCTET_STRING* issuer = X509_get0_authority_key_id(certificate);
  if (issuer == nullptr) return {};
  const auto view = [](const ASN1_STRING* text) {
    return std::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                            static_cast<std::size_t>(ASN1_STRING_length(text)));
  };
  std::string serial(view(X509_get0_serialNumber(certificate)));
  // The bytes of a DER integer: one whose first bit is set would be negative without the zero.
  if (!serial.empty() && (static_cast<unsigned char>(serial.front()) & 0x80) != 0) serial.insert(0, 1, '\0');
  return to_base64url(view(issuer)) + "." + to_base64url(serial);
}

std::unexpected<Error> AcmeClient::refuse(const WebReply& reply) {
  refusal_ = parse_problem(reply.body).type;
  asked_to_wait_ = retry_after(reply, Duration::zero());
  return std::unexpected(refusal_of(reply));
}

// Servers that are overloaded are asked again, later and later, as long as there is time.
Result<WebReply> AcmeClient::send(const WebRequest& request) {
  Duration wait = kFirstWait;
  for (int left = kTries;; --left) {
    Result<WebReply> reply = ask_https(request, options_.ca, options_.deadline);
    const bool again = reply ? reply->status >= 500 || reply->status == 429 : reply.error().kind == ErrorKind::kClosed;
    if (reply && !reply->field("replay-nonce").empty()) nonce_ = reply->field("replay-nonce");
    const Duration pause = reply ? retry_after(*reply, wait) : wait;
    if (!again || left == 1 || steady_now() + pause >= options_.deadline) {
      if (reply) return reply;
      Error error = std::move(reply).error();
      error.detail = fmt::format("{}: {}", request.url, error.detail);
      return std::unexpected(std::move(error));
    }
    solver_->serve_until(steady_now() + pause);
    wait *= 2;
    // A signed request is good for one nonce, and this one's may have been used up.
    if (request.method == "POST") return reply;
  }
}

Result<std::string> AcmeClient::take_nonce() {
  if (nonce_.empty()) {
    RPX_TRY(const WebReply reply,
            send({.method = "HEAD", .url = directory_.new_nonce, .content_type = {}, .accept = {}, .body = {}}));
    if (nonce_.empty()) return std::unexpected(refusal_of(reply));
  }
  return std::exchange(nonce_, {});
}

Result<WebReply> AcmeClient::post_once(const std::string& url, const std::string& payload) {
  RPX_TRY(const std::string nonce, take_nonce());
  std::string who = fmt::format(R"("kid":{})", json_text(kid_));
  if (kid_.empty()) {
    RPX_TRY(const std::string jwk, jwk_of(account_));
    who = fmt::format(R"("jwk":{})", jwk);
  }
  const std::string header =
      fmt::format(R"({{"alg":"ES256",{},"nonce":{},"url":{}}})", who, json_text(nonce), json_text(url));
  RPX_TRY(const std::string body, sign_es256(account_, header, payload));
  return send({.method = "POST",
               .url = url,
               .content_type = "application/jose+json",
               .accept = "application/pem-certificate-chain, application/json",
               .body = body});
}

Result<WebReply> AcmeClient::post(const std::string& url, const std::string& payload) {
  for (int left = kTries;; --left) {
    RPX_TRY(WebReply reply, post_once(url, payload));
    if (reply.status < 400) return reply;
    const bool again = parse_problem(reply.body).type == "badNonce" || reply.status >= 500 || reply.status == 429;
    if (!again || left == 1 || steady_now() + retry_after(reply, Duration::zero()) >= options_.deadline)
      return refuse(reply);
  }
}

Result<AcmeClient> AcmeClient::open(AcmeOptions options, EVP_PKEY* account, ChallengeSolver& solver) {
  AcmeClient out(std::move(options), account, solver);
  RPX_TRY(const WebReply reply, out.send({.method = "GET",
                                          .url = out.options_.directory,
                                          .content_type = {},
                                          .accept = "application/json",
                                          .body = {}}));
  if (reply.status != 200) return std::unexpected(refusal_of(reply));
  RPX_TRY(out.directory_, parse_directory(reply.body));
  return out;
}

// Finds the account of our key, or makes it.
Status AcmeClient::enter() {
  if (!kid_.empty()) return {};
  if (!directory_.terms.empty() && !options_.agree_tos)
    return self_error(ErrorKind::kUsage,
                      fmt::format("the server has terms of service, {}; --agree-tos, or agree_tos = true in [acme], "
                                  "says that you agree",
                                  directory_.terms));
  if (directory_.needs_external_account && options_.eab_kid.empty())
    return self_error(ErrorKind::kUsage,
                      "the server wants an account that it knows already: --eab-kid and --eab-key-file, or eab_kid and "
                      "eab_key_file in [acme], name it");
  std::string payload = R"({"termsOfServiceAgreed":true)";
  if (!options_.email.empty()) payload += fmt::format(R"(,"contact":[{}])", json_text("mailto:" + options_.email));
  if (!options_.eab_kid.empty()) {
    RPX_TRY(const std::string jwk, jwk_of(account_));
    const std::string header = fmt::format(R"({{"alg":"HS256","kid":{},"url":{}}})", json_text(options_.eab_kid),
                                           json_text(directory_.new_account));
    payload += fmt::format(R"(,"externalAccountBinding":{})", sign_hs256(options_.eab_secret, header, jwk));
  }
  RPX_TRY(const WebReply reply, post(directory_.new_account, payload + "}"));
  kid_ = reply.field("location");
  return kid_.empty() ? Status(upstream_error(ErrorKind::kBadResponse, "an account without an address")) : Status{};
}

Status AcmeClient::prove(const std::string& url) {
  RPX_TRY(WebReply reply, post(url, ""));
  RPX_TRY(AcmeAuthorization one, parse_authorization(reply.body, solver_->type()));
  if (one.status == "valid") return {};
  if (one.url.empty())
    return self_error(ErrorKind::kConfig, fmt::format("{}: the server does not offer {}", one.name, solver_->type()));
  RPX_TRY(const std::string thumbprint, thumbprint_of(account_));
  RPX_TRY_VOID(solver_->begin({solver_->type(), one.name, one.token, one.token + "." + thumbprint}));
  const struct Ending {
    ChallengeSolver* solver;
    ~Ending() { solver->end(); }
  } ending{solver_};
  RPX_TRY_VOID(post(one.url, "{}"));
  for (Duration poll = kFirstPoll; steady_now() + poll < options_.deadline;
       poll = std::min<Duration>(poll * 2, kLastPoll)) {
    solver_->serve_until(steady_now() + std::max(poll, retry_after(reply, poll)));
    RPX_TRY(reply, post(url, ""));
    RPX_TRY(one, parse_authorization(reply.body, solver_->type()));
    if (one.status == "valid") return {};
    if (one.status != "pending" && one.status != "processing")
      return self_error(ErrorKind::kConfig, fmt::format("{} could not be proven to be ours: {}", one.name,
                                                        one.error.empty() ? one.status : one.error));
  }
  return upstream_error(ErrorKind::kResponseTimeout, fmt::format("{} was not judged in time", one.name));
}

// Until its status is another than `past`, or "processing".
Result<AcmeOrder> AcmeClient::await_order(const std::string& url, std::string_view past) {
  for (Duration poll = kFirstPoll;; poll = std::min<Duration>(poll * 2, kLastPoll)) {
    RPX_TRY(const WebReply reply, post(url, ""));
    RPX_TRY(AcmeOrder order, parse_order(reply.body));
    if (order.status == "invalid")
      return self_error(ErrorKind::kConfig, fmt::format("the order was refused: {}", order.error));
    if (order.status != past && order.status != "processing") return order;
    const Duration pause = std::max(poll, retry_after(reply, poll));
    if (steady_now() + pause >= options_.deadline)
      return upstream_error(ErrorKind::kResponseTimeout, "the order was not done in time");
    solver_->serve_until(steady_now() + pause);
  }
}

// Where the server says when to renew, it is told what is renewed, and counts that on no limit. One that does not like
// what it is told is asked without it.
Result<WebReply> AcmeClient::order(const std::vector<std::string>& names, X509* replaces) {
  const std::string identifiers = identifiers_of(names);
  const std::string id = replaces != nullptr && !directory_.renewal_info.empty() ? renewal_id(replaces) : std::string();
  if (!id.empty()) {
    Result<WebReply> reply =
        post(directory_.new_order, fmt::format(R"({{"identifiers":[{}],"replaces":{}}})", identifiers, json_text(id)));
    if (reply || (refusal_ != "alreadyReplaced" && refusal_ != "malformed")) return reply;
  }
  return post(directory_.new_order, fmt::format(R"({{"identifiers":[{}]}})", identifiers));
}

Result<std::string> AcmeClient::issue(const std::vector<std::string>& names, EVP_PKEY* key, X509* replaces) {
  RPX_TRY_VOID(enter());
  RPX_TRY(WebReply reply, order(names, replaces));
  const std::string url = reply.field("location");
  RPX_TRY(AcmeOrder order, parse_order(reply.body));
  for (const std::string& authorization : order.authorizations) RPX_TRY_VOID(prove(authorization));
  RPX_TRY(order, await_order(url, "pending"));
  if (order.status == "ready") {
    Wanted wanted;
    wanted.names = names;
    RPX_TRY(const RequestPtr request, make_request(key, wanted));
    RPX_TRY_VOID(post(order.finalize, fmt::format(R"({{"csr":"{}"}})", to_base64url(der_of(request.get())))));
    RPX_TRY(order, await_order(url, "ready"));
  }
  if (order.certificate.empty()) return upstream_error(ErrorKind::kBadResponse, "an order that ends in no certificate");
  RPX_TRY(reply, post(order.certificate, ""));
  if (reply.body.find("-----BEGIN CERTIFICATE-----") == std::string::npos)
    return upstream_error(ErrorKind::kBadResponse, "what it sent is no certificate");
  return reply.body;
}

Status AcmeClient::revoke(X509* certificate, int reason) {
  if (directory_.revoke.empty()) return self_error(ErrorKind::kConfig, "the server revokes nothing");
  RPX_TRY_VOID(enter());
  RPX_TRY_VOID(post(directory_.revoke,
                    fmt::format(R"({{"certificate":"{}","reason":{}}})", to_base64url(der_of(certificate)), reason)));
  return {};
}

Result<std::optional<RenewalWindow>> AcmeClient::renewal_window(X509* certificate) {
  const std::string id = renewal_id(certificate);
  if (directory_.renewal_info.empty() || id.empty()) return std::optional<RenewalWindow>();
  RPX_TRY(const WebReply reply, send({.method = "GET",
                                      .url = directory_.renewal_info + "/" + id,
                                      .content_type = {},
                                      .accept = "application/json",
                                      .body = {}}));
  if (reply.status != 200) return refuse(reply);
  RPX_TRY(RenewalWindow window, parse_renewal(reply.body));
  window.ask_again = retry_after(reply, kAskAgain);
  return std::optional(window);
}

}  // namespace rpx::pki
