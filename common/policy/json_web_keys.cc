#include "policy/json_web_keys.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/base64.h"
#include "base/result.h"

namespace rpx::policy {

struct JwtAlgorithm {
  std::string_view name;
  std::string_view kind;       ///< of the keys it is for
  const EVP_MD* (*digest)();   ///< null where the scheme has its own
  bool pss = false;            ///< RSA with PSS (RFC 7518 section 3.5)
  std::size_t coordinate = 0;  ///< bytes of r and of s in a signature of ECDSA (section 3.4)
};

namespace {

using Poco::JSON::Object;

constexpr JwtAlgorithm kAlgorithms[] = {{"RS256", "RSA", EVP_sha256},
                                        {"RS384", "RSA", EVP_sha384},
                                        {"RS512", "RSA", EVP_sha512},
                                        {"PS256", "RSA", EVP_sha256, true},
                                        {"PS384", "RSA", EVP_sha384, true},
                                        {"PS512", "RSA", EVP_sha512, true},
                                        {"ES256", "P-256", EVP_sha256, false, 32},
                                        {"ES384", "P-384", EVP_sha384, false, 48},
                                        {"ES512", "P-521", EVP_sha512, false, 66},
                                        {"EdDSA", "Ed25519", nullptr},
                                        {"EdDSA", "Ed448", nullptr},
                                        {"Ed25519", "Ed25519", nullptr},
                                        {"Ed448", "Ed448", nullptr},
                                        {"HS256", "oct", EVP_sha256},
                                        {"HS384", "oct", EVP_sha384},
                                        {"HS512", "oct", EVP_sha512}};

// A token without an id of its key is tried with each: so many are a bound on its cost.
constexpr std::size_t kMostKeys = 64;
constexpr int kLeastRsaBits = 2048;  // RFC 7518 section 3.3
constexpr int kMostRsaBits = 8192;
constexpr std::size_t kLeastSecret = 32;  // section 3.2

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using NumberPtr = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using SignaturePtr = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using ContextPtr = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using BuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;

const unsigned char* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

NumberPtr number_of(std::string_view bytes) {
  return NumberPtr(BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr));
}

std::string text(const Object& object, const std::string& name) {
  const auto value = object.get(name);
  return value.isString() ? value.extract<std::string>() : std::string();
}

std::string binary(const Object& object, const std::string& name) {
  return from_base64url(text(object, name)).value_or(std::string());
}

// Whether it may verify signatures (RFC 7517 sections 4.2 and 4.3).
bool is_for_signatures(const Object& object) {
  if (object.has("use") && text(object, "use") != "sig") return false;
  if (!object.has("key_ops")) return true;
  const auto uses = object.getArray("key_ops");
  if (uses.isNull()) return false;
  return std::ranges::any_of(
      *uses, [](const Poco::Dynamic::Var& use) { return use.isString() && use.extract<std::string>() == "verify"; });
}

// In the form of RFC 3279, which OpenSSL reads.
std::string in_asn1(std::string_view raw, std::size_t coordinate) {
  const SignaturePtr both(ECDSA_SIG_new());
  if (ECDSA_SIG_set0(both.get(), number_of(raw.substr(0, coordinate)).release(),
                     number_of(raw.substr(coordinate)).release()) != 1)
    return {};
  unsigned char* out = nullptr;
  const int size = i2d_ECDSA_SIG(both.get(), &out);
  if (size <= 0) return {};
  std::string made(reinterpret_cast<char*>(out), static_cast<std::size_t>(size));
  OPENSSL_free(out);
  return made;
}

bool is_mac(const JwtAlgorithm& algorithm, const std::string& secret, std::string_view signed_text,
            std::string_view signature) {
  const EVP_MD* digest = algorithm.digest();
  std::array<unsigned char, EVP_MAX_MD_SIZE> made{};
  unsigned size = 0;
  // RFC 7518 section 3.2: the secret is no shorter than what it makes.
  if (secret.size() < static_cast<std::size_t>(EVP_MD_get_size(digest))) return false;
  HMAC(digest, secret.data(), static_cast<int>(secret.size()), bytes_of(signed_text), signed_text.size(), made.data(),
       &size);
  return size == signature.size() && CRYPTO_memcmp(made.data(), signature.data(), size) == 0;
}

bool is_signature(const JwtAlgorithm& algorithm, EVP_PKEY* key, std::string_view signed_text,
                  std::string_view signature) {
  std::string converted;
  if (algorithm.coordinate != 0) {
    if (signature.size() != 2 * algorithm.coordinate) return false;
    converted = in_asn1(signature, algorithm.coordinate);
    signature = converted;
  }
  const DigestPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* how = nullptr;
  const EVP_MD* digest = algorithm.digest == nullptr ? nullptr : algorithm.digest();
  bool good = EVP_DigestVerifyInit(context.get(), &how, digest, nullptr, key) == 1;
  if (good && algorithm.pss)
    good = EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) == 1;
  good = good && EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(signed_text),
                                  signed_text.size()) == 1;
  ERR_clear_error();
  return good;
}

Result<std::shared_ptr<EVP_PKEY>> from_params(const char* type, OSSL_PARAM_BLD* builder) {
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder));
  const ContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  const bool made = params && EVP_PKEY_fromdata_init(context.get()) == 1 &&
                    EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) == 1;
  std::shared_ptr<EVP_PKEY> owned(key, [](EVP_PKEY* one) { EVP_PKEY_free(one); });
  const ContextPtr check(made ? EVP_PKEY_CTX_new(key, nullptr) : nullptr);
  const bool sound = made && EVP_PKEY_public_check(check.get()) == 1;
  ERR_clear_error();
  if (!sound) return self_error(ErrorKind::kConfig, "its numbers make no key");
  return owned;
}

Result<std::shared_ptr<EVP_PKEY>> rsa_key(std::string_view modulus, std::string_view exponent) {
  const NumberPtr n = number_of(modulus);
  const NumberPtr e = number_of(exponent);
  const int bits = BN_num_bits(n.get());
  if (bits < kLeastRsaBits || bits > kMostRsaBits)
    return self_error(ErrorKind::kConfig,
                      fmt::format("it is of {} bits, not {} to {}", bits, kLeastRsaBits, kMostRsaBits));
  const BuilderPtr builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  return from_params("RSA", builder.get());
}

Result<std::shared_ptr<EVP_PKEY>> ec_key(const char* group, std::size_t coordinate, std::string_view x,
                                         std::string_view y) {
  if (x.size() != coordinate || y.size() != coordinate)
    return self_error(ErrorKind::kConfig, "its coordinates are not as long as the curve's");
  const std::string point = "\x04" + std::string(x) + std::string(y);  // uncompressed (SEC 1 section 2.3.3)
  const BuilderPtr builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  return from_params("EC", builder.get());
}

Result<std::shared_ptr<EVP_PKEY>> ed_key(const char* type, std::string_view x) {
  EVP_PKEY* key = EVP_PKEY_new_raw_public_key_ex(nullptr, type, nullptr, bytes_of(x), x.size());
  ERR_clear_error();
  if (key == nullptr) return self_error(ErrorKind::kConfig, "its bytes make no key");
  return std::shared_ptr<EVP_PKEY>(key, [](EVP_PKEY* one) { EVP_PKEY_free(one); });
}

std::string kind_of(const Object& object) {
  const std::string type = text(object, "kty");
  return type == "EC" || type == "OKP" ? text(object, "crv") : type;
}

bool is_ours(std::string_view kind) noexcept {
  return std::ranges::find(kAlgorithms, kind, &JwtAlgorithm::kind) != std::end(kAlgorithms);
}

Result<std::shared_ptr<EVP_PKEY>> make_public(const std::string& kind, std::string_view first,
                                              std::string_view second) {
  if (kind == "RSA") return rsa_key(first, second);
  if (kind == "P-256") return ec_key("prime256v1", 32, first, second);
  if (kind == "P-384") return ec_key("secp384r1", 48, first, second);
  if (kind == "P-521") return ec_key("secp521r1", 66, first, second);
  return ed_key(kind == "Ed448" ? "ED448" : "ED25519", first);
}

// Nothing for a key that is not for us.
Result<std::optional<JsonWebKeys::Key>> read_key(const Object& object, JsonWebKeys::From from) {
  JsonWebKeys::Key key{
      .id = text(object, "kid"), .algorithm = text(object, "alg"), .kind = kind_of(object), .pkey = {}, .secret = {}};
  if (!is_ours(key.kind) || !is_for_signatures(object)) return std::nullopt;
  if (!key.algorithm.empty() && jwt_algorithm(key.algorithm) == nullptr) return std::nullopt;
  if (key.kind == "oct") {
    if (from == JsonWebKeys::From::kUrl) return std::nullopt;
    std::string secret = binary(object, "k");
    if (secret.size() < kLeastSecret)
      return self_error(ErrorKind::kConfig, fmt::format("its secret has fewer than {} bytes", kLeastSecret));
    key.secret = {new std::string(std::move(secret)), [](const std::string* one) {
                    OPENSSL_cleanse(const_cast<char*>(one->data()), one->size());
                    delete one;
                  }};
  } else {
    const bool rsa = key.kind == "RSA";
    RPX_TRY(key.pkey, make_public(key.kind, binary(object, rsa ? "n" : "x"), binary(object, rsa ? "e" : "y")));
  }
  return key;
}

Result<std::optional<JsonWebKeys::Key>> read_item(const Object::Ptr& item, JsonWebKeys::From from) {
  if (item.isNull()) return self_error(ErrorKind::kConfig, "it is no object");
  return read_key(*item, from);
}

}  // namespace

const JwtAlgorithm* jwt_algorithm(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(kAlgorithms, name, &JwtAlgorithm::name);
  return found == std::end(kAlgorithms) ? nullptr : found;
}

Result<JsonWebKeys> JsonWebKeys::parse(const std::string& json, From from) {
  try {
    Poco::JSON::Parser parser;
    const auto whole = parser.parse(json).extract<Object::Ptr>();
    Poco::JSON::Array::Ptr list = whole->getArray("keys");
    if (list.isNull()) {
      if (!whole->has("kty")) return self_error(ErrorKind::kConfig, "neither a set of keys nor one: see RFC 7517");
      list = new Poco::JSON::Array;
      list->add(whole);
    }
    JsonWebKeys out;
    std::size_t meant_for_us = 0;  // good or not: to find out is what takes time
    for (unsigned i = 0; i < list->size(); ++i) {
      auto read = read_item(list->getObject(i), from);
      if (read && !*read) continue;
      if (++meant_for_us > kMostKeys)
        return self_error(ErrorKind::kConfig, fmt::format("it has more than {} keys", kMostKeys));
      if (read) {
        out.keys_.push_back(std::move(**read));
        continue;
      }
      std::string complaint = fmt::format("key {}: {}", i + 1, read.error().detail);
      if (from == From::kFile) return self_error(ErrorKind::kConfig, std::move(complaint));
      if (out.complaint_.empty()) out.complaint_ = std::move(complaint);
    }
    if (out.keys_.empty())
      return self_error(ErrorKind::kConfig, "it has no key that verifies signatures" +
                                                (out.complaint_.empty() ? "" : "; " + out.complaint_));
    return out;
  } catch (const Poco::Exception& error) {
    return self_error(ErrorKind::kConfig, "not JSON as it should be: " + error.displayText());
  }
}

bool JsonWebKeys::knows(std::string_view id) const noexcept {
  return std::ranges::any_of(keys_, [id](const Key& key) { return id.empty() || key.id.empty() || key.id == id; });
}

bool JsonWebKeys::verify(const JwtAlgorithm& algorithm, std::string_view id, std::string_view signed_text,
                         std::string_view signature) const {
  for (const JwtAlgorithm& row : kAlgorithms) {
    if (row.name != algorithm.name) continue;
    for (const Key& key : keys_) {
      if ((!id.empty() && !key.id.empty() && key.id != id) || key.kind != row.kind) continue;
      if (!key.algorithm.empty() && key.algorithm != row.name) continue;
      const bool good = key.secret ? is_mac(row, *key.secret, signed_text, signature)
                                   : is_signature(row, key.pkey.get(), signed_text, signature);
      if (good) return true;
    }
  }
  return false;
}

}  // namespace rpx::policy
