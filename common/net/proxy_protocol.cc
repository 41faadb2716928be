#include "net/proxy_protocol.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/result.h"
#include "base/text.h"

// Version 2 on the wire:
//
//     0        12       13       14       16
//     +--------+--------+--------+--------+---------------------------+------+
//     | sig.   | ver cmd| fam tr | length | src dst sport dport (fam) | TLVs |
//     +--------+--------+--------+--------+---------------------------+------+
//
// length counts what follows it, in network order.

namespace rpx::net {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kSignature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::string_view kText = "PROXY "sv;
constexpr std::size_t kLongestText = 107;
constexpr std::size_t kFixed = 16;

std::unexpected<Error> bad(const char* detail) { return client_error(ErrorKind::kBadRequest, detail); }

bool agree(std::string_view bytes, std::string_view expected) noexcept {
  const std::size_t size = std::min(bytes.size(), expected.size());
  return bytes.substr(0, size) == expected.substr(0, size);
}

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  const auto port = parse_uint(text);
  if (!port || *port > 65535 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

/// "TCP4 1.2.3.4 5.6.7.8 111 222"
Result<ProxyHeader> parse_text_line(std::string_view line, std::size_t consumed) {
  ProxyHeader out{.consumed = consumed, .source = {}, .destination = {}};
  // What follows UNKNOWN is to be ignored.
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return out;
  const auto words = split(line, ' ');
  if (words.size() != 5 || (words[0] != "TCP4" && words[0] != "TCP6")) return bad("malformed PROXY line");
  const bool v6 = words[0] == "TCP6";
  std::array<Address, 2> ends;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const auto ip = IpAddress::parse(words[1 + i]);
    const auto port = parse_port(words[3 + i]);
    if (!ip || !port || v6 != (words[1 + i].find(':') != std::string_view::npos))
      return bad("malformed address in the PROXY line");
    ends[i].ip = *ip;
    ends[i].port = *port;
  }
  out.source = ends[0];
  out.destination = ends[1];
  return out;
}

Result<ProxyHeader> parse_text(std::string_view bytes) {
  const std::string_view window = bytes.substr(0, kLongestText);
  for (std::size_t i = kText.size(); i < window.size(); ++i) {
    const char c = window[i];
    if (c == '\r') {
      if (i + 1 == window.size()) break;
      if (window[i + 1] != '\n') return bad("carriage return in the PROXY line");
      return parse_text_line(window.substr(kText.size(), i - kText.size()), i + 2);
    }
    if (c < ' ' || c > '~') return bad("byte that a PROXY line may not hold");
  }
  if (bytes.size() >= kLongestText) return bad("PROXY line too long");
  return ProxyHeader{};
}

std::uint16_t read_u16(std::string_view at) noexcept {
  return static_cast<std::uint16_t>((static_cast<unsigned char>(at[0]) << 8) | static_cast<unsigned char>(at[1]));
}

Address read_v4(std::string_view ip, std::string_view port) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = (value << 8) | static_cast<unsigned char>(ip[i]);
  Address out;
  out.ip = IpAddress::v4(value);
  out.port = read_u16(port);
  return out;
}

Address read_v6(std::string_view ip, std::string_view port) noexcept {
  std::array<std::uint8_t, 16> bytes{};
  std::transform(ip.begin(), ip.begin() + 16, bytes.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
  Address out;
  out.ip = IpAddress::v6(bytes);
  out.port = read_u16(port);
  return out;
}

/// Addresses of a family and transport, from what follows the fixed part.
Status read_addresses(unsigned family, std::string_view body, ProxyHeader& out) {
  constexpr unsigned kTcp4 = 0x11;
  constexpr unsigned kTcp6 = 0x21;
  if (family == kTcp4) {
    if (body.size() < 12) return bad("PROXY header too short for its addresses");
    out.source = read_v4(body, body.substr(8));
    out.destination = read_v4(body.substr(4), body.substr(10));
  } else if (family == kTcp6) {
    if (body.size() < 36) return bad("PROXY header too short for its addresses");
    out.source = read_v6(body, body.substr(32));
    out.destination = read_v6(body.substr(16), body.substr(34));
  } else if (family >> 4 > 3 || (family & 15) > 2) {
    return bad("unknown address family in the PROXY header");
  }
  // Unix sockets, datagrams and UNSPEC name nobody whom access rules could know: the peer itself stands.
  return {};
}

Result<ProxyHeader> parse_binary(std::string_view bytes) {
  if (bytes.size() <= kSignature.size()) return ProxyHeader{};
  const unsigned version_command = static_cast<unsigned char>(bytes[12]);
  if (version_command != 0x20 && version_command != 0x21) return bad("unknown version or command in the PROXY header");
  if (bytes.size() < kFixed) return ProxyHeader{};
  const std::size_t size = kFixed + read_u16(bytes.substr(14));
  if (size > kMaxProxyHeader) return bad("PROXY header too long");
  if (bytes.size() < size) return ProxyHeader{};
  ProxyHeader out{.consumed = size, .source = {}, .destination = {}};
  // LOCAL: the proxy speaks for itself, as when it checks our health.
  if (version_command == 0x21)
    RPX_TRY_VOID(read_addresses(static_cast<unsigned char>(bytes[13]), bytes.substr(kFixed, size - kFixed), out));
  return out;
}

}  // namespace

Result<ProxyHeader> parse_proxy_header(std::span<const char> bytes) {
  const std::string_view text(bytes.data(), bytes.size());
  if (text.empty()) return ProxyHeader{};
  if (agree(text, kSignature)) return parse_binary(text);
  if (!agree(text, kText)) return bad("connection does not begin with a PROXY header");
  return parse_text(text);
}

}  // namespace rpx::net
