#include "net/proxy_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace rpx::net {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kBinarySignature = "\r\n\r\n\0\r\nQUIT\n"sv;

std::string text_of(const IpAddress& ip, bool v6) {
  return ip.is_v4() && v6 ? fmt::format("::ffff:{}", ip.to_string()) : ip.to_string();
}

void append_u16(std::string& out, std::size_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xff);
}

void append_ip(std::string& out, const IpAddress& ip, bool v6) {
  const auto append = [&out, &ip](std::size_t count) {
    std::transform(ip.bytes().begin(), ip.bytes().begin() + static_cast<std::ptrdiff_t>(count), std::back_inserter(out),
                   [](std::uint8_t byte) { return static_cast<char>(byte); });
  };
  if (v6 && ip.is_v4()) out.append(10, '\0').append(2, '\xff');
  append(ip.is_v4() ? 4 : 16);
}

}  // namespace

std::string make_proxy_header(std::uint32_t version, const std::optional<Address>& source, const Address& destination) {
  const bool known = source && !source->is_unix() && !destination.is_unix();
  const bool v6 = known && !(source->ip.is_v4() && destination.ip.is_v4());
  if (version == 1) {
    if (!known) return "PROXY UNKNOWN\r\n";
    return fmt::format("PROXY TCP{} {} {} {} {}\r\n", v6 ? 6 : 4, text_of(source->ip, v6), text_of(destination.ip, v6),
                       source->port, destination.port);
  }
  std::string out(kBinarySignature);
  out += known ? '\x21' : '\x20';
  out += !known ? '\0' : v6 ? '\x21' : '\x11';
  append_u16(out, !known ? 0 : v6 ? 36 : 12);
  if (!known) return out;
  append_ip(out, source->ip, v6);
  append_ip(out, destination.ip, v6);
  append_u16(out, source->port);
  append_u16(out, destination.port);
  return out;
}

}  // namespace rpx::net
