// Words, and descriptors with them, that go between the proxy, its launcher and the process that takes over: one packet
// of a SOCK_SEQPACKET pair each. Any thread, one at a time for an end.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/fd.h"

namespace rpx::serve {

/// Descriptors that one packet may carry; of the kernel's 253 (unix(7), SCM_RIGHTS).
inline constexpr std::size_t kMostDescriptors = 250;

struct Packet {
  std::vector<std::string> words;  ///< one at least
  std::vector<net::UniqueFd> descriptors;
  /// An errno where not all of it has come, else 0. EMFILE: this process may not have so many descriptors.
  int lost = 0;
};

/// Whether a packet can carry these: 8 KiB in all, no tabs and line ends in a word, kMostDescriptors.
bool fits(const std::vector<std::string_view>& words, std::size_t descriptors);
/// Blocks while the other end has much to read. False, with errno, when there is no other end any more.
bool send_packet(int to, const std::vector<std::string_view>& words, const std::vector<int>& descriptors = {});
/// Blocks until there is one. Nothing when the other end has gone.
std::optional<Packet> receive_packet(int from);

}  // namespace rpx::serve
