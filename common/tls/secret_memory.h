// Where private keys lie while a process serves: memory that is in no core dump and, where the system lets us, never
// swapped out; overwritten when it is freed.
#pragma once

namespace rpx::tls {

/// From now on keys that OpenSSL reads or makes lie there. Once, before it is used for anything, with one thread. False
/// when there is no such memory; then keys lie where everything lies.
bool keep_keys_apart() noexcept;

}  // namespace rpx::tls
