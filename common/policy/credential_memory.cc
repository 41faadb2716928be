#include "policy/credential_memory.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "base/check.h"

namespace rpx::policy {
namespace {

std::size_t set_of(const CredentialMemory::Mark& mark) noexcept {
  return (static_cast<std::size_t>(mark[0]) << 8 | mark[1]) % CredentialMemory::kSets;
}

}  // namespace

CredentialMemory::CredentialMemory() : sets_(kSets) {
  RPX_CHECK(RAND_bytes(key_.data(), static_cast<int>(key_.size())) == 1);
}

CredentialMemory::~CredentialMemory() { OPENSSL_cleanse(key_.data(), key_.size()); }

CredentialMemory::Mark CredentialMemory::mark_of(std::uint64_t generation, std::string_view credentials) const {
  std::string text(sizeof generation, '\0');
  std::memcpy(text.data(), &generation, sizeof generation);
  text += credentials;
  std::array<std::uint8_t, 32> digest{};
  unsigned length = 0;
  RPX_CHECK(HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
                 reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &length) != nullptr);
  OPENSSL_cleanse(text.data(), text.size());
  Mark out;
  std::copy_n(digest.begin(), out.size(), out.begin());
  return out;
}

std::pair<IdentityPtr, bool> CredentialMemory::find(const Mark& mark, Instant now) const {
  const std::scoped_lock lock(mutex_);
  const Slot* found = nullptr;
  for (const Slot& slot : sets_[set_of(mark)]) {
    const bool same = CRYPTO_memcmp(slot.mark.data(), mark.data(), mark.size()) == 0;
    if (same && slot.until > now) found = &slot;
  }
  return found ? std::pair(found->identity, true) : std::pair(IdentityPtr(), false);
}

void CredentialMemory::add(const Mark& mark, Instant until, IdentityPtr identity) {
  const std::scoped_lock lock(mutex_);
  auto& set = sets_[set_of(mark)];
  Slot* place = &set[0];
  for (Slot& slot : set) {
    if (slot.mark == mark) {
      place = &slot;
      break;
    }
    if (slot.until < place->until) place = &slot;
  }
  *place = {mark, until, std::move(identity)};
}

}  // namespace rpx::policy
