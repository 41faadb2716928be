#include "tls/secret_memory.h"

#include <openssl/crypto.h>

namespace rpx::tls {
namespace {

// Pages are taken as they are used. A key of RSA with 4096 bits takes 4 KiB, one of EC some hundred bytes: this is for
// more certificates than a configuration has, before and after a reload.
constexpr std::size_t kArena = 64UL * 1024 * 1024;
constexpr std::size_t kLeast = 32;

}  // namespace

// 2 says that it could not be locked into memory, which is a matter of limits; it is left out of dumps all the same.
bool keep_keys_apart() noexcept { return CRYPTO_secure_malloc_init(kArena, kLeast) != 0; }

}  // namespace rpx::tls
