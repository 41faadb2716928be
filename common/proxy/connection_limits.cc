#include "proxy/connection_limits.h"

#include <cstring>

namespace rpx::proxy {

std::size_t ConnectionLimits::Hash::operator()(const IpAddress& ip) const noexcept {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, ip.bytes().data(), 8);
  std::memcpy(&low, ip.bytes().data() + 8, 8);
  std::uint64_t mixed = (high ^ (low * 0x9E3779B97F4A7C15ULL)) * 0xD6E8FEB86659FD93ULL;
  mixed ^= mixed >> 32;
  return static_cast<std::size_t>(mixed * 0xD6E8FEB86659FD93ULL >> 20);
}

bool ConnectionLimits::enter_client(const IpAddress& client, std::uint32_t most) {
  Shard& shard = shard_of(client);
  const std::scoped_lock lock(shard.mutex);
  std::uint32_t& open = shard.open[client];
  if (open >= most) return false;
  ++open;
  return true;
}

void ConnectionLimits::leave_client(const IpAddress& client) {
  Shard& shard = shard_of(client);
  const std::scoped_lock lock(shard.mutex);
  const auto at = shard.open.find(client);
  if (at != shard.open.end() && --at->second == 0) shard.open.erase(at);
}

}  // namespace rpx::proxy
