// Keys and the tokens they sign (RFC 7515), made by OpenSSL, for what verifies them.
#pragma once

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "base/base64.h"
#include "base/check.h"

namespace rpx::test {

inline std::string base64url(std::string_view bytes) {
  std::string out = to_base64(bytes);
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  while (out.ends_with('=')) out.pop_back();
  return out;
}

/// A key pair, or a secret.
class SigningKey {
 public:
  static SigningKey rsa(unsigned bits = 2048) { return SigningKey("RSA", EVP_RSA_gen(bits)); }
  /// "P-256", "P-384" or "P-521".
  static SigningKey ec(const char* curve) { return SigningKey(curve, EVP_EC_gen(curve)); }
  /// "Ed25519" or "Ed448".
  static SigningKey ed(const char* type) { return SigningKey(type, EVP_PKEY_Q_keygen(nullptr, nullptr, type)); }
  static SigningKey secret(std::string bytes) {
    SigningKey out("oct", nullptr);
    out.secret_ = std::move(bytes);
    return out;
  }

  /// As a JWK with the members `more`, such as `,"kid":"a"`.
  std::string jwk(const std::string& more = {}) const {
    if (kind_ == "oct") return fmt::format(R"({{"kty":"oct","k":"{}"{}}})", base64url(secret_), more);
    if (kind_ == "RSA") return fmt::format(R"({{"kty":"RSA","n":"{}","e":"{}"{}}})", number("n"), number("e"), more);
    if (kind_.starts_with("P-"))
      return fmt::format(R"({{"kty":"EC","crv":"{}","x":"{}","y":"{}"{}}})", kind_, number(OSSL_PKEY_PARAM_EC_PUB_X),
                         number(OSSL_PKEY_PARAM_EC_PUB_Y), more);
    std::string raw(57, '\0');
    std::size_t size = raw.size();
    RPX_CHECK(EVP_PKEY_get_raw_public_key(pkey_.get(), bytes(raw), &size) == 1);
    raw.resize(size);
    return fmt::format(R"({{"kty":"OKP","crv":"{}","x":"{}"{}}})", kind_, base64url(raw), more);
  }

  /// The token of `claims`, signed by `algorithm`; `more` as in jwk().
  std::string token(std::string_view algorithm, std::string_view claims, const std::string& more = {}) const {
    const std::string text = base64url(fmt::format(R"({{"alg":"{}"{}}})", algorithm, more)) + "." + base64url(claims);
    return text + "." + base64url(sign(algorithm, text));
  }

 private:
  SigningKey(std::string kind, EVP_PKEY* key)
      : kind_(std::move(kind)), pkey_(key, [](EVP_PKEY* one) { EVP_PKEY_free(one); }) {}

  static unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

  std::string number(const char* name) const {
    BIGNUM* value = nullptr;
    RPX_CHECK(EVP_PKEY_get_bn_param(pkey_.get(), name, &value) == 1);
    const int width = kind_ == "P-256" ? 32 : kind_ == "P-384" ? 48 : kind_ == "P-521" ? 66 : BN_num_bytes(value);
    std::string out(static_cast<std::size_t>(width), '\0');
    RPX_CHECK(BN_bn2binpad(value, bytes(out), width) == width);
    BN_free(value);
    return base64url(out);
  }

  std::string sign(std::string_view algorithm, const std::string& text) const {
    const EVP_MD* digest = algorithm.ends_with("256")   ? EVP_sha256()
                           : algorithm.ends_with("384") ? EVP_sha384()
                                                        : EVP_sha512();
    const auto* data = reinterpret_cast<const unsigned char*>(text.data());
    if (kind_ == "oct") {
      std::string mac(EVP_MAX_MD_SIZE, '\0');
      unsigned size = 0;
      HMAC(digest, secret_.data(), static_cast<int>(secret_.size()), data, text.size(), bytes(mac), &size);
      mac.resize(size);
      return mac;
    }
    if (kind_.starts_with("Ed")) digest = nullptr;
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_PKEY_CTX* how = nullptr;
    RPX_CHECK(EVP_DigestSignInit(context, &how, digest, nullptr, pkey_.get()) == 1);
    if (algorithm.starts_with("PS")) {
      EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING);
      EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST);
    }
    std::size_t size = 0;
    RPX_CHECK(EVP_DigestSign(context, nullptr, &size, data, text.size()) == 1);
    std::string out(size, '\0');
    RPX_CHECK(EVP_DigestSign(context, bytes(out), &size, data, text.size()) == 1);
    EVP_MD_CTX_free(context);
    out.resize(size);
    return kind_.starts_with("P-") ? in_a_row(out) : out;
  }

  // r and s, as JSON web signatures have them (RFC 7518 section 3.4).
  std::string in_a_row(const std::string& der) const {
    const int width = kind_ == "P-256" ? 32 : kind_ == "P-384" ? 48 : 66;
    const auto* data = reinterpret_cast<const unsigned char*>(der.data());
    ECDSA_SIG* both = d2i_ECDSA_SIG(nullptr, &data, static_cast<long>(der.size()));
    std::string out(static_cast<std::size_t>(2 * width), '\0');
    BN_bn2binpad(ECDSA_SIG_get0_r(both), bytes(out), width);
    BN_bn2binpad(ECDSA_SIG_get0_s(both), bytes(out) + width, width);
    ECDSA_SIG_free(both);
    return out;
  }

  std::string kind_;
  std::string secret_;
  std::shared_ptr<EVP_PKEY> pkey_;
};

}  // namespace rpx::test
