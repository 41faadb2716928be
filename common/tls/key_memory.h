// Where private keys lie: in memory that no core dump has and that is wiped when it is given back. OpenSSL allocates
// there while a KeyScope lives, and as usual else. Any thread.
#pragma once

namespace rpx::tls {

/// Makes OpenSSL ask us for memory: to be called first thing in main(), since it takes no such wish later. False when
/// it does not; keys lie in ordinary memory then. Called again it does nothing.
bool guard_keys() noexcept;

/// What OpenSSL allocates on this thread while one lives is guarded, where guard_keys() was called. Around all that
/// reads, makes or copies a private key. May be nested.
class KeyScope {
 public:
  KeyScope() noexcept;
  ~KeyScope();
  KeyScope(const KeyScope&) = delete;
  KeyScope& operator=(const KeyScope&) = delete;
};

}  // namespace rpx::tls
