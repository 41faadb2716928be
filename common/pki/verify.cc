#include "pki/verify.h"

#include <fmt/format.h>
#include <openssl/x509v3.h>

#include "base/ip.h"
#include "base/result.h"
#include "pki/facts.h"
#include "pki/key.h"
#include "tls/certificate.h"

namespace rpx::pki {
namespace {

using StorePtr = std::unique_ptr<X509_STORE, tls::Freed<X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, tls::Freed<X509_STORE_CTX_free>>;

struct FreeStack {
  // The certificates belong to the chain.
  void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_free(stack); }
};
using StackPtr = std::unique_ptr<STACK_OF(X509), FreeStack>;
using Findings = std::vector<std::string>;

std::string day_of(WallTime time) { return format_rfc3339(time).substr(0, 10); }

void check_dates(const std::vector<tls::X509Ptr>& chain, const Expected& expected, Findings& out) {
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const CertificateFacts facts = facts_of(chain[i].get());
    const std::string who = i == 0 ? "it" : fmt::format("the intermediate {}", facts.subject);
    if (expected.now < facts.from)
      out.push_back(fmt::format("{} is not valid before {}", who, day_of(facts.from)));
    else if (expected.now > facts.until)
      out.push_back(fmt::format("{} expired on {}", who, day_of(facts.until)));
    else if (expected.now + expected.ahead > facts.until)
      out.push_back(fmt::format("{} has {} days left: it expires on {}", who, days_left(facts, expected.now),
                                day_of(facts.until)));
  }
}

void check_name(X509* leaf, const std::string& name, Findings& out) {
  if (name.empty()) return;
  const bool is_address = IpAddress::parse(name).has_value();
  const int matches =
      is_address ? X509_check_ip_asc(leaf, name.c_str(), 0)
                 : X509_check_host(leaf, name.data(), name.size(), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr);
  if (matches != 1) out.push_back(fmt::format("it is not for {}", name));
}

// Each is signed by the next; a root at the end is a waste, but no fault.
void check_order(const std::vector<tls::X509Ptr>& chain, Findings& out) {
  for (std::size_t i = 0; i + 1 < chain.size(); ++i)
    if (X509_check_issued(chain[i + 1].get(), chain[i].get()) != X509_V_OK)
      out.push_back(fmt::format("certificate {} of the chain ({}) did not sign the one before it", i + 2,
                                facts_of(chain[i + 1].get()).subject));
}

void check_strength(const std::vector<tls::X509Ptr>& chain, Findings& out) {
  for (const tls::X509Ptr& one : chain) {
    const EVP_PKEY* key = X509_get0_pubkey(one.get());
    if (key == nullptr || is_weak(key))
      out.push_back(fmt::format("the key of {} is weak: {}", facts_of(one.get()).subject,
                                key == nullptr ? "unknown" : describe_key(key)));
    int digest = NID_undef;
    X509_get_signature_info(one.get(), &digest, nullptr, nullptr, nullptr);
    if (digest == NID_sha1 || digest == NID_md5)
      out.push_back(
          fmt::format("{} is signed with {}, which clients refuse", facts_of(one.get()).subject, OBJ_nid2sn(digest)));
  }
}

Result<StorePtr> roots_of(const Expected& expected) {
  StorePtr store(X509_STORE_new());
  if (expected.ca.empty()) {
    X509_STORE_set_default_paths(store.get());
    tls::take_openssl_error();
    return store;
  }
  RPX_TRY(const std::vector<tls::X509Ptr> trusted, tls::read_bundle(expected.ca));
  for (const tls::X509Ptr& one : trusted) X509_STORE_add_cert(store.get(), one.get());
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  return store;
}

Status check_trust(const std::vector<tls::X509Ptr>& chain, const Expected& expected, Findings& out) {
  RPX_TRY(const StorePtr store, roots_of(expected));
  const StackPtr rest(sk_X509_new_null());
  for (std::size_t i = 1; i < chain.size(); ++i) sk_X509_push(rest.get(), chain[i].get());
  const StoreContextPtr context(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(context.get(), store.get(), chain.front().get(), rest.get()) != 1)
    return self_error(ErrorKind::kInternal, tls::take_openssl_error());
  // Dates are told apart from trust.
  X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context.get()), X509_V_FLAG_NO_CHECK_TIME);
  if (X509_verify_cert(context.get()) != 1) {
    const int why = X509_STORE_CTX_get_error(context.get());
    const bool lacks =
        why == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY || why == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
    out.push_back(lacks ? "it leads to no trusted root: an intermediate is missing, or the authority is a private one"
                        : fmt::format("it is not trusted: {}", X509_verify_cert_error_string(why)));
  }
  tls::take_openssl_error();
  return {};
}

}  // namespace

Result<std::vector<std::string>> findings_of(const std::vector<tls::X509Ptr>& chain, const Expected& expected) {
  Findings out;
  check_dates(chain, expected, out);
  check_name(chain.front().get(), expected.name, out);
  check_order(chain, out);
  check_strength(chain, out);
  if (expected.trust) RPX_TRY_VOID(check_trust(chain, expected, out));
  return out;
}

}  // namespace rpx::pki
