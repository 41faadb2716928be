// Signed requests of ACME (RFC 8555 section 6.2): JSON web signatures (RFC 7515) by an EC key on P-256, or by a shared
// secret. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "tls/openssl.h"

namespace rpx::pki {

/// `bytes` in the alphabet of RFC 4648 section 5, without padding.
std::string to_base64url(std::string_view bytes);

/// The public half of `key`, an EC key on P-256, as a JSON web key whose members are in the order that RFC 7638 hashes.
/// Errors: kConfig for another kind of key.
Result<std::string> jwk_of(const EVP_PKEY* key);
/// SHA-256 of it, in base64url (RFC 7638).
Result<std::string> thumbprint_of(const EVP_PKEY* key);

/// The flattened JSON form: `header` is the protected header, JSON; ES256. Errors: kInternal.
Result<std::string> sign_es256(EVP_PKEY* key, std::string_view header, std::string_view payload);
/// The same with HS256 and the bytes of a secret, for external accounts (RFC 8555 section 7.3.4).
std::string sign_hs256(std::string_view secret, std::string_view header, std::string_view payload);

}  // namespace rpx::pki
