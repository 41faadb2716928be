#include "pki/jose.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

#include "base/base64.h"
#include "base/result.h"

namespace rpx::pki {
namespace {

using NumberPtr = std::unique_ptr<BIGNUM, tls::Freed<BN_free>>;
using SignaturePtr = std::unique_ptr<ECDSA_SIG, tls::Freed<ECDSA_SIG_free>>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, tls::Freed<EVP_MD_CTX_free>>;

constexpr std::size_t kCoordinate = 32;

std::string bytes_of(const BIGNUM* number) {
  std::string out(kCoordinate, '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size()));
  return out;
}

std::string coordinate_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  const NumberPtr owned(number);
  return number == nullptr ? std::string() : to_base64url(bytes_of(number));
}

std::string flattened(std::string_view head, std::string_view payload, std::string_view signature) {
  return fmt::format(R"({{"protected":"{}","payload":"{}","signature":"{}"}})", head, payload, to_base64url(signature));
}

// ECDSA in ASN.1 is r and s as integers; a JSON web signature has them in a row, 32 bytes each (RFC 7518 section 3.4).
std::string raw_signature(const std::string& der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const SignaturePtr parsed(d2i_ECDSA_SIG(nullptr, &bytes, static_cast<long>(der.size())));
  if (!parsed) return {};
  return bytes_of(ECDSA_SIG_get0_r(parsed.get())) + bytes_of(ECDSA_SIG_get0_s(parsed.get()));
}

}  // namespace

std::string to_base64url(std::string_view bytes) {
  std::string out = to_base64(bytes);
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  out.erase(std::min(out.find('='), out.size()));
  return out;
}

Result<std::string> jwk_of(const EVP_PKEY* key) {
  std::array<char, 32> group{};
  std::size_t size = 0;
  const bool on_curve =
      EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1;
  if (!on_curve || std::string_view(group.data(), size) != "prime256v1")
    return self_error(ErrorKind::kConfig, "the account's key is no EC key on P-256");
  return fmt::format(R"({{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}})", coordinate_of(key, OSSL_PKEY_PARAM_EC_PUB_X),
                     coordinate_of(key, OSSL_PKEY_PARAM_EC_PUB_Y));
}

Result<std::string> thumbprint_of(const EVP_PKEY* key) {
  RPX_TRY(const std::string jwk, jwk_of(key));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(jwk.data(), jwk.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return to_base64url({reinterpret_cast<const char*>(digest.data()), size});
}

Result<std::string> sign_es256(EVP_PKEY* key, std::string_view header, std::string_view payload) {
  const std::string head = to_base64url(header);
  const std::string body = to_base64url(payload);
  const std::string text = head + "." + body;
  const DigestPtr context(EVP_MD_CTX_new());
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::string der;
  bool done = EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
              EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) == 1;
  der.resize(size);
  done = done &&
         EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(der.data()), &size, bytes, text.size()) == 1;
  der.resize(done ? size : 0);
  const std::string raw = raw_signature(der);
  if (raw.empty()) return self_error(ErrorKind::kInternal, "cannot sign: " + tls::take_openssl_error());
  return flattened(head, body, raw);
}

std::string sign_hs256(std::string_view secret, std::string_view header, std::string_view payload) {
  const std::string head = to_base64url(header);
  const std::string body = to_base64url(payload);
  const std::string text = head + "." + body;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  return flattened(head, body, {reinterpret_cast<const char*>(digest.data()), size});
}

}  // namespace rpx::pki
