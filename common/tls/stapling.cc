#include "tls/stapling.h"

#include <openssl/x509v3.h>

#include <cstring>
#include <memory>
#include <mutex>

namespace rpx::tls {
namespace {

struct Slot {
  std::mutex mutex;
  std::shared_ptr<const Staple> staple;
};

void free_slot(void*, void* slot, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Slot*>(slot); }

int copy_slot(CRYPTO_EX_DATA*, const CRYPTO_EX_DATA*, void** slot, int, long, void*) {
  *slot = nullptr;
  return 1;
}

// Where certificates have it. A copy of a certificate begins without one.
int slot_index() {
  static const int kIndex = X509_get_ex_new_index(0, nullptr, nullptr, copy_slot, free_slot);
  return kIndex;
}

std::mutex& making() {
  static std::mutex mutex;
  return mutex;
}

// The member of OpenSSL's is not const where it only reads.
Slot* slot_of(const X509* certificate) {
  const std::scoped_lock lock(making());
  return static_cast<Slot*>(X509_get_ex_data(certificate, slot_index()));
}

Slot* slot_made_for(X509* certificate) {
  const std::scoped_lock lock(making());
  auto* slot = static_cast<Slot*>(X509_get_ex_data(certificate, slot_index()));
  if (slot != nullptr) return slot;
  auto made = std::make_unique<Slot>();
  if (X509_set_ex_data(certificate, slot_index(), made.get()) != 1) return nullptr;
  return made.release();
}

std::shared_ptr<const Staple> current(const X509* certificate) {
  Slot* slot = certificate == nullptr ? nullptr : slot_of(certificate);
  if (slot == nullptr) return nullptr;
  const std::scoped_lock lock(slot->mutex);
  return slot->staple;
}

int on_status(SSL* ssl, void*) {
  const auto staple = current(SSL_get_certificate(ssl));
  if (!staple || staple->response.empty() || std::chrono::system_clock::now() >= staple->until)
    return SSL_TLSEXT_ERR_NOACK;
  // OpenSSL frees it.
  auto* copy = static_cast<unsigned char*>(OPENSSL_malloc(staple->response.size()));
  if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
  std::memcpy(copy, staple->response.data(), staple->response.size());
  SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(staple->response.size()));
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

void set_staple(X509* certificate, Staple staple) {
  Slot* slot = slot_made_for(certificate);
  if (slot == nullptr) return;
  auto made = std::make_shared<const Staple>(std::move(staple));
  const std::scoped_lock lock(slot->mutex);
  slot->staple = std::move(made);
}

Staple staple_of(const X509* certificate) {
  const auto staple = current(certificate);
  return staple ? *staple : Staple{};
}

void serve_staples(SSL_CTX* context) noexcept { SSL_CTX_set_tlsext_status_cb(context, on_status); }

bool must_staple(const X509* certificate) noexcept {
  auto* features = static_cast<TLS_FEATURE*>(X509_get_ext_d2i(certificate, NID_tlsfeature, nullptr, nullptr));
  bool found = false;
  for (int i = 0; features != nullptr && i < sk_ASN1_INTEGER_num(features); ++i)
    found |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == TLSEXT_TYPE_status_request;
  TLS_FEATURE_free(features);
  return found;
}

}  // namespace rpx::tls
