// Owners of OpenSSL's objects, and what its error queue says. Used within tls/ and by its tests; any thread.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "base/error.h"

namespace rpx::tls {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

using SslPtr = std::unique_ptr<SSL, Freed<SSL_free>>;
using SslContextPtr = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using SessionPtr = std::unique_ptr<SSL_SESSION, Freed<SSL_SESSION_free>>;
using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;

/// The first error of this thread's queue as text, "" when there is none; the queue is emptied.
std::string take_openssl_error();
/// kConfig: "what: what OpenSSL says".
std::unexpected<Error> config_error(const std::string& what);

/// Key exchange groups in our order: X25519 costs the least.
inline constexpr const char* kGroups = "X25519:P-256:P-384";

/// What both roles want of a context: releases buffers of idle connections, reads ahead, never renegotiates.
void set_common_options(SSL_CTX* context) noexcept;

}  // namespace rpx::tls
