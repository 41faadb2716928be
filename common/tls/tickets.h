// The keys of session tickets: made at random, rotated by time, shared by all workers and by the sites before
// and after a reload, so that a client resumes with whichever worker it meets. Any thread.
#pragma once

#include <openssl/crypto.h>

#include <array>
#include <mutex>
#include <optional>
#include <span>

#include "base/units.h"

namespace rpx::tls {

struct TicketKey {
  /// Leaves nothing behind in memory.
  ~TicketKey() {
    OPENSSL_cleanse(cipher.data(), cipher.size());
    OPENSSL_cleanse(mac.data(), mac.size());
  }
  std::array<unsigned char, 16> name;
  std::array<unsigned char, 32> cipher;  ///< AES-256-CBC
  std::array<unsigned char, 32> mac;     ///< HMAC-SHA-256
  Instant made;
};

class TicketKeys {
 public:
  /// A key seals tickets for `rotation`, and opens them for one period more.
  explicit TicketKeys(Duration rotation) noexcept : rotation_(rotation) {}
  Duration rotation() const noexcept { return rotation_; }
  /// The key for new tickets; nothing when the system gives no randomness.
  std::optional<TicketKey> current(Instant now);
  /// The key called `name`, as long as it opens tickets.
  std::optional<TicketKey> find(std::span<const unsigned char, 16> name, Instant now);

 private:
  const Duration rotation_;
  std::mutex mutex_;
  std::optional<TicketKey> newest_;
  std::optional<TicketKey> before_;
};

}  // namespace rpx::tls
