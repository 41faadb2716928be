#include "pki/key.h"

#include <fmt/format.h>
#include <openssl/pem.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/result.h"
#include "tls/key_memory.h"

namespace rpx::pki {
namespace {

struct KindRow {
  std::string_view name;
  KeyKind kind;
};
constexpr std::array kKinds{KindRow{"ec", KeyKind::kEcP256},        KindRow{"ec-p384", KeyKind::kEcP384},
                            KindRow{"rsa", KeyKind::kRsa2048},      KindRow{"rsa-3072", KeyKind::kRsa3072},
                            KindRow{"rsa-4096", KeyKind::kRsa4096}, KindRow{"ed25519", KeyKind::kEd25519}};

EVP_PKEY* generate(KeyKind kind) {
  switch (kind) {
    case KeyKind::kEcP256: return EVP_EC_gen("P-256");
    case KeyKind::kEcP384: return EVP_EC_gen("P-384");
    case KeyKind::kRsa2048: return EVP_RSA_gen(2048);
    case KeyKind::kRsa3072: return EVP_RSA_gen(3072);
    case KeyKind::kRsa4096: return EVP_RSA_gen(4096);
    case KeyKind::kEd25519: return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  }
  return nullptr;
}

// Gives the passphrase that the caller has; never asks on a terminal.
int give_passphrase(char* out, int size, int, void* given) {
  const auto& passphrase = *static_cast<const std::string*>(given);
  if (passphrase.empty() || passphrase.size() > static_cast<std::size_t>(size)) return 0;
  std::memcpy(out, passphrase.data(), passphrase.size());
  return static_cast<int>(passphrase.size());
}

}  // namespace

std::optional<KeyKind> parse_key_kind(std::string_view name) noexcept {
  for (const KindRow& row : kKinds)
    if (row.name == name) return row.kind;
  return std::nullopt;
}

std::vector<std::string> key_kind_names() {
  std::vector<std::string> out;
  for (const KindRow& row : kKinds) out.emplace_back(row.name);
  return out;
}

Result<tls::KeyPtr> make_key(KeyKind kind) {
  const tls::KeyScope scope;
  tls::KeyPtr key(generate(kind));
  if (!key) return self_error(ErrorKind::kInternal, fmt::format("cannot make a key: {}", tls::take_openssl_error()));
  return key;
}

Result<std::string> key_pem(EVP_PKEY* key, const std::string& passphrase) {
  const tls::KeyScope scope;
  const tls::BioPtr bio(BIO_new(BIO_s_mem()));
  const EVP_CIPHER* cipher = passphrase.empty() ? nullptr : EVP_aes_256_cbc();
  const int done =
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key, cipher, passphrase.empty() ? nullptr : passphrase.data(),
                                    static_cast<int>(passphrase.size()), nullptr, nullptr);
  if (done != 1)
    return self_error(ErrorKind::kInternal, fmt::format("cannot write the key: {}", tls::take_openssl_error()));
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

Result<tls::KeyPtr> read_key(const std::string& path, const std::string& passphrase) {
  errno = 0;
  const tls::KeyScope scope;
  const tls::BioPtr bio(BIO_new_file(path.c_str(), "r"));
  if (!bio) {
    const int why = errno;
    tls::take_openssl_error();
    return self_error(ErrorKind::kConfig, fmt::format("{}: {}", path, std::strerror(why)));
  }
  // The callback only reads it.
  tls::KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, give_passphrase, const_cast<std::string*>(&passphrase)));
  if (key) return key;
  tls::take_openssl_error();
  return self_error(
      ErrorKind::kConfig,
      fmt::format("{}: no private key that can be read{}", path,
                  passphrase.empty() ? "; one with a passphrase needs --passphrase-file" : ", or another passphrase"));
}

std::string describe_key(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "EC") == 1) {
    std::array<char, 64> group{};
    EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr);
    const std::string_view name(group.data());
    if (name == "prime256v1") return "EC P-256";
    if (name == "secp384r1") return "EC P-384";
    if (name == "secp521r1") return "EC P-521";
    return fmt::format("EC {}", name);
  }
  if (EVP_PKEY_is_a(key, "RSA") == 1) return fmt::format("RSA {}", EVP_PKEY_get_bits(key));
  const char* name = EVP_PKEY_get0_type_name(key);
  if (name == nullptr) return "unknown";
  return std::string_view(name) == "ED25519" ? "Ed25519" : name;
}

bool is_weak(const EVP_PKEY* key) noexcept { return EVP_PKEY_get_security_bits(key) < 112; }

}  // namespace rpx::pki
