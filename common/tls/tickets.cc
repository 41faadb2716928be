#include "tls/tickets.h"

#include <openssl/rand.h>

#include <algorithm>
#include <utility>

namespace rpx::tls {
namespace {

std::optional<TicketKey> make_key(Instant now) {
  TicketKey key{};
  const auto fill = [](auto& bytes) { return RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1; };
  if (!fill(key.name) || !fill(key.cipher) || !fill(key.mac)) return std::nullopt;
  key.made = now;
  return key;
}

}  // namespace

std::optional<TicketKey> TicketKeys::current(Instant now) {
  const std::scoped_lock lock(mutex_);
  if (newest_ && now - newest_->made < rotation_) return newest_;
  std::optional<TicketKey> next = make_key(now);
  if (!next) return std::nullopt;
  before_ = std::exchange(newest_, next);
  return newest_;
}

std::optional<TicketKey> TicketKeys::find(std::span<const unsigned char, 16> name, Instant now) {
  const std::scoped_lock lock(mutex_);
  for (const std::optional<TicketKey>* key : {&newest_, &before_})
    if (*key && std::ranges::equal((*key)->name, name) && now - (*key)->made < 2 * rotation_) return *key;
  return std::nullopt;
}

}  // namespace rpx::tls
