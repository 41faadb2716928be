// Private keys: made, read, written, described. Used by rpx-cert; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "tls/openssl.h"

namespace rpx::pki {

enum class KeyKind : std::uint8_t { kEcP256, kEcP384, kRsa2048, kRsa3072, kRsa4096, kEd25519 };

/// "ec", "ec-p384", "rsa", "rsa-3072", "rsa-4096", "ed25519".
std::optional<KeyKind> parse_key_kind(std::string_view name) noexcept;
/// The names that parse_key_kind() knows.
std::vector<std::string> key_kind_names();

/// A new key. Errors: kInternal, when the library has no randomness.
Result<tls::KeyPtr> make_key(KeyKind kind);

/// PKCS#8 in PEM; encrypted by AES-256 when there is a passphrase. Errors: kInternal.
Result<std::string> key_pem(EVP_PKEY* key, const std::string& passphrase = {});

/// Reads a PEM key, encrypted ones with `passphrase`. Errors: kConfig, with the path and what is wrong.
Result<tls::KeyPtr> read_key(const std::string& path, const std::string& passphrase = {});

/// "EC P-256", "RSA 2048", "Ed25519".
std::string describe_key(const EVP_PKEY* key);
/// Whether a client may refuse it as too weak: RSA below 2048 bits, curves below 256.
bool is_weak(const EVP_PKEY* key) noexcept;

}  // namespace rpx::pki
