#include "base/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

#include "base/text.h"

namespace rpx {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/// Clears all but the first `bits` bits.
void mask(std::array<std::uint8_t, 16>& bytes, std::size_t bits) noexcept {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t kept = bits > i * 8 ? std::min<std::size_t>(8, bits - i * 8) : 0;
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xff00U >> kept));
  }
}

IpAddress from_prefix_bytes(const std::array<std::uint8_t, 16>& bytes, bool v4) noexcept {
  if (!v4) return IpAddress::v6(bytes);
  return IpAddress::v4((std::uint32_t{bytes[0]} << 24) | (std::uint32_t{bytes[1]} << 16) |
                       (std::uint32_t{bytes[2]} << 8) | bytes[3]);
}

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) noexcept {
  IpAddress out;
  for (std::size_t i = 0; i < 4; ++i) out.bytes_[i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
  return out;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& bytes) noexcept {
  IpAddress out;
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    std::copy(bytes.begin() + 12, bytes.end(), out.bytes_.begin());
    return out;
  }
  out.is_v4_ = false;
  out.bytes_ = bytes;
  return out;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN + 1> name{};
  // inet_pton stops at a NUL, so a text that holds one would pass for its first part.
  if (text.empty() || text.size() >= name.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
  text.copy(name.data(), text.size());
  std::array<std::uint8_t, 16> bytes{};
  if (text.find(':') == std::string_view::npos) {
    if (inet_pton(AF_INET, name.data(), bytes.data()) != 1) return std::nullopt;
    return from_prefix_bytes(bytes, true);
  }
  if (inet_pton(AF_INET6, name.data(), bytes.data()) != 1) return std::nullopt;
  return v6(bytes);
}

bool IpAddress::is_loopback() const noexcept {
  if (is_v4_) return bytes_[0] == 127;
  return bytes_[15] == 1 && std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t b) { return b == 0; });
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_v4_) {
    // Every request names its client; inet_ntop would go through printf for it.
    char* at = text.data();
    for (std::size_t i = 0; i < 4; ++i) {
      if (i != 0) *at++ = '.';
      at = std::to_chars(at, at + 3, bytes_[i]).ptr;
    }
    return {text.data(), at};
  }
  inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
  return text.data();
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  const std::string_view name = text.substr(0, slash);
  const auto address = IpAddress::parse(name);
  if (!address) return std::nullopt;
  // A mapped address is held as IPv4, but its prefix was counted over 128 bits.
  const bool mapped = address->is_v4() && name.find(':') != std::string_view::npos;
  const std::uint64_t most = address->is_v4() ? 32 : 128;
  std::uint64_t bits = most;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
    const auto given = parse_uint(digits);
    if (!given || (mapped && *given < 96)) return std::nullopt;
    bits = mapped ? *given - 96 : *given;
    if (bits > most) return std::nullopt;
  }
  auto bytes = address->bytes();
  mask(bytes, bits);
  return IpPrefix{from_prefix_bytes(bytes, address->is_v4()), static_cast<std::uint8_t>(bits)};
}

bool IpPrefix::contains(const IpAddress& ip) const noexcept {
  if (ip.is_v4() != address.is_v4()) return false;
  auto bytes = ip.bytes();
  mask(bytes, bits);
  return bytes == address.bytes();
}

std::string IpPrefix::to_string() const { return address.to_string() + "/" + std::to_string(bits); }

bool contains(const std::vector<IpPrefix>& prefixes, const IpAddress& ip) noexcept {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const IpPrefix& prefix) { return prefix.contains(ip); });
}

std::string Address::to_string() const {
  if (is_unix()) return "unix:" + path;
  const std::string name = ip.to_string();
  return (ip.is_v4() ? name : "[" + name + "]") + ":" + std::to_string(port);
}

socklen_t Address::to_sockaddr(sockaddr_storage& out) const noexcept {
  out = {};
  if (is_unix()) {
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    if (path.size() >= sizeof(local.sun_path)) return 0;
    path.copy(local.sun_path, path.size());
    // An abstract name is told apart by its first byte, and has no NUL at the end: its length says where it ends.
    const bool abstract = path.front() == '@';
    if (abstract) local.sun_path[0] = '\0';
    const std::size_t length = offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1);
    std::memcpy(&out, &local, sizeof(local));
    return static_cast<socklen_t>(length);
  }
  if (ip.is_v4()) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    std::memcpy(&name.sin_addr, ip.bytes().data(), 4);
    std::memcpy(&out, &name, sizeof(name));
    return sizeof(name);
  }
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  name.sin6_port = htons(port);
  std::memcpy(&name.sin6_addr, ip.bytes().data(), 16);
  std::memcpy(&out, &name, sizeof(name));
  return sizeof(name);
}

Address Address::from_sockaddr(const sockaddr* address, socklen_t length) {
  Address out;
  if (address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in name{};
    std::memcpy(&name, address, sizeof(name));
    out.ip = IpAddress::v4(ntohl(name.sin_addr.s_addr));
    out.port = ntohs(name.sin_port);
  } else if (address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 name{};
    std::memcpy(&name, address, sizeof(name));
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &name.sin6_addr, bytes.size());
    out.ip = IpAddress::v6(bytes);
    out.port = ntohs(name.sin6_port);
  } else if (address->sa_family == AF_UNIX) {
    sockaddr_un local{};
    std::memcpy(&local, address, std::min<std::size_t>(length, sizeof(local)));
    const std::size_t most = std::min<std::size_t>(length, sizeof(local)) - offsetof(sockaddr_un, sun_path);
    out.path = local.sun_path[0] == '\0' && most > 1 ? "@" + std::string(local.sun_path + 1, most - 1)
                                                     : std::string(local.sun_path, strnlen(local.sun_path, most));
    // The peer of a Unix socket seldom has a name; it is a Unix peer all the same.
    if (out.path.empty()) out.path = "@";
  }
  return out;
}

}  // namespace rpx
