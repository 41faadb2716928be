// IP addresses, prefixes and socket addresses as small values. No I/O, any thread.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rpx {

/// An IPv4 or IPv6 address. IPv4-mapped IPv6 addresses (::ffff:a.b.c.d) are held as IPv4.
class IpAddress {
 public:
  IpAddress() = default;
  static IpAddress v4(std::uint32_t host_order) noexcept;
  static IpAddress v6(const std::array<std::uint8_t, 16>& bytes) noexcept;
  /// Parses dotted decimal or RFC 4291 text, without brackets, zone or port.
  static std::optional<IpAddress> parse(std::string_view text) noexcept;

  bool is_v4() const noexcept { return is_v4_; }
  /// Network order; an IPv4 address fills the first four.
  const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }
  bool is_loopback() const noexcept;
  /// RFC 5952 text.
  std::string to_string() const;
  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  bool is_v4_ = true;
};

/// A CIDR prefix. Host bits are cleared.
struct IpPrefix {
  IpAddress address;
  std::uint8_t bits = 0;  ///< 0–32 for IPv4, 0–128 for IPv6

  /// Parses "10.0.0.0/8", "fd00::/8", or a bare address (all bits).
  static std::optional<IpPrefix> parse(std::string_view text) noexcept;
  bool contains(const IpAddress& ip) const noexcept;
  std::string to_string() const;
  auto operator<=>(const IpPrefix&) const = default;
};

/// Whether any of `prefixes` holds `ip`. For short lists; linear.
bool contains(const std::vector<IpPrefix>& prefixes, const IpAddress& ip) noexcept;

/// Where a peer is: an IP address with a port, or a Unix socket path.
struct Address {
  IpAddress ip;
  std::uint16_t port = 0;
  std::string path;  ///< Unix socket path; empty for IP. A leading '@' means the abstract namespace.

  bool is_unix() const noexcept { return !path.empty(); }
  /// "1.2.3.4:80", "[::1]:80", "unix:run/app.sock".
  std::string to_string() const;
  /// Fills `out` and returns its length for bind or connect; 0 when a Unix path is too long.
  socklen_t to_sockaddr(sockaddr_storage& out) const noexcept;
  static Address from_sockaddr(const sockaddr* address, socklen_t length);
  auto operator<=>(const Address&) const = default;
};

}  // namespace rpx
