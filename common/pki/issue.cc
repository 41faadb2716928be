#include "pki/issue.h"

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "base/ip.h"
#include "base/result.h"

namespace rpx::pki {
namespace {

using ExtensionPtr = std::unique_ptr<X509_EXTENSION, tls::Freed<X509_EXTENSION_free>>;

struct FreeExtensions {
  void operator()(STACK_OF(X509_EXTENSION) * stack) const noexcept {
    sk_X509_EXTENSION_pop_free(stack, X509_EXTENSION_free);
  }
};
using ExtensionsPtr = std::unique_ptr<STACK_OF(X509_EXTENSION), FreeExtensions>;

std::unexpected<Error> failed(std::string_view what) {
  return self_error(ErrorKind::kInternal, fmt::format("{}: {}", what, tls::take_openssl_error()));
}

// "DNS:a.example,IP:127.0.0.1". Names were checked, so that none can add another.
Result<std::string> san_of(const Wanted& wanted) {
  std::string out;
  for (const std::string& name : wanted.names) {
    if (!is_san(name)) return self_error(ErrorKind::kUsage, fmt::format("\"{}\" is no DNS name and no address", name));
    out += fmt::format("{}{}:{}", out.empty() ? "" : ",", IpAddress::parse(name) ? "IP" : "DNS", name);
  }
  return out;
}

// OpenSSL reads extensions from a text in which commas and line ends part them.
Status check_responder(std::string_view url) {
  const auto odd = [](char c) { return c <= ' ' || c == ',' || c == ';' || c > '~'; };
  const bool good = url.empty() || ((url.starts_with("http://") || url.starts_with("https://")) &&
                                    url.find("://") + 3 < url.size() && std::ranges::none_of(url, odd));
  if (good) return {};
  return self_error(ErrorKind::kUsage,
                    fmt::format("\"{}\" is no URL of a responder: expected one such as http://ocsp.example/", url));
}

std::string common_name_of(const Wanted& wanted) {
  if (!wanted.common_name.empty()) return wanted.common_name;
  return wanted.names.empty() ? "rpx" : wanted.names.front();
}

bool set_subject(X509_NAME* name, const Wanted& wanted) {
  // RFC 5280, appendix A.1: at most 64 characters; longer names stand in the SAN alone.
  const std::string text = common_name_of(wanted).substr(0, 64);
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

// A random positive number of 127 bits (RFC 5280 section 4.1.2.2).
bool set_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);
  BIGNUM* number = BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr);
  const bool done = number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return done;
}

bool set_times(X509* certificate, const Wanted& wanted) {
  const std::time_t from = std::chrono::system_clock::to_time_t(wanted.from);
  const auto life = std::chrono::duration_cast<std::chrono::seconds>(wanted.life).count();
  return ASN1_TIME_set(X509_getm_notBefore(certificate), from) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), from + life) != nullptr;
}

ExtensionPtr extension(X509V3_CTX* context, int nid, const std::string& value) {
  return ExtensionPtr(X509V3_EXT_conf_nid(nullptr, context, nid, value.c_str()));
}

using Texts = std::vector<std::pair<int, std::string>>;

Texts extensions_for(const Wanted& wanted, const std::string& san) {
  Texts out;
  if (wanted.authority) {
    out.emplace_back(NID_basic_constraints, "critical,CA:TRUE");
    out.emplace_back(NID_key_usage, "critical,keyCertSign,cRLSign");
  } else {
    out.emplace_back(NID_basic_constraints, "critical,CA:FALSE");
    out.emplace_back(NID_key_usage, "critical,digitalSignature");
    out.emplace_back(NID_ext_key_usage, wanted.client ? "clientAuth" : "serverAuth");
  }
  if (!san.empty()) out.emplace_back(NID_subject_alt_name, san);
  if (!wanted.responder.empty()) out.emplace_back(NID_info_access, "OCSP;URI:" + wanted.responder);
  if (wanted.must_staple) out.emplace_back(NID_tlsfeature, "status_request");
  return out;
}

// Ed25519 hashes by itself.
const EVP_MD* digest_for(const EVP_PKEY* key) { return EVP_PKEY_is_a(key, "ED25519") == 1 ? nullptr : EVP_sha256(); }

template <class Write>
std::string written(Write write) {
  const tls::BioPtr bio(BIO_new(BIO_s_mem()));
  write(bio.get());
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(std::max(0L, size))};
}

}  // namespace

bool is_san(std::string_view name) noexcept {
  if (IpAddress::parse(name)) return true;
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > 253 || name.front() == '.' || name.front() == '-') return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  });
}

Result<tls::X509Ptr> make_certificate(EVP_PKEY* key, const Wanted& wanted, const Issuer* issuer) {
  RPX_TRY(const std::string san, san_of(wanted));
  RPX_TRY_VOID(check_responder(wanted.responder));
  tls::X509Ptr out(X509_new());
  X509* certificate = out.get();
  X509* signer = issuer != nullptr ? issuer->certificate : certificate;
  if (X509_set_version(certificate, X509_VERSION_3) != 1 || !set_serial(certificate) ||
      !set_times(certificate, wanted) || X509_set_pubkey(certificate, key) != 1 ||
      !set_subject(X509_get_subject_name(certificate), wanted) ||
      X509_set_issuer_name(certificate, X509_get_subject_name(signer)) != 1)
    return failed("cannot make the certificate");
  X509V3_CTX context;
  X509V3_set_ctx(&context, signer, certificate, nullptr, nullptr, 0);
  Texts texts = extensions_for(wanted, san);
  texts.emplace_back(NID_subject_key_identifier, "hash");
  if (issuer != nullptr) texts.emplace_back(NID_authority_key_identifier, "keyid");
  for (const auto& [nid, value] : texts) {
    const ExtensionPtr one = extension(&context, nid, value);
    if (!one || X509_add_ext(certificate, one.get(), -1) != 1) return failed("cannot add to the certificate");
  }
  EVP_PKEY* signing = issuer != nullptr ? issuer->key : key;
  if (X509_sign(certificate, signing, digest_for(signing)) == 0) return failed("cannot sign the certificate");
  return out;
}

Result<RequestPtr> make_request(EVP_PKEY* key, const Wanted& wanted) {
  RPX_TRY(const std::string san, san_of(wanted));
  RequestPtr out(X509_REQ_new());
  if (X509_REQ_set_pubkey(out.get(), key) != 1 || !set_subject(X509_REQ_get_subject_name(out.get()), wanted))
    return failed("cannot make the request");
  if (!san.empty()) {
    const ExtensionsPtr extensions(sk_X509_EXTENSION_new_null());
    ExtensionPtr one = extension(nullptr, NID_subject_alt_name, san);
    if (!one || sk_X509_EXTENSION_push(extensions.get(), one.release()) == 0 ||
        X509_REQ_add_extensions(out.get(), extensions.get()) != 1)
      return failed("cannot add the names to the request");
  }
  if (X509_REQ_sign(out.get(), key, digest_for(key)) == 0) return failed("cannot sign the request");
  return out;
}

std::string pem_of(X509* certificate) {
  return written([certificate](BIO* bio) { PEM_write_bio_X509(bio, certificate); });
}

std::string pem_of(X509_REQ* request) {
  return written([request](BIO* bio) { PEM_write_bio_X509_REQ(bio, request); });
}

}  // namespace rpx::pki
