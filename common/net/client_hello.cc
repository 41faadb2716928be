#include "net/client_hello.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/text.h"

// On the wire, all numbers in network order:
//
//     record:     type (22) | version (3, x) | length (2) | fragment of the handshake
//     handshake:  type (1) | length (3) | version (2) | random (32) | session <1> | suites <2> | methods <1>
//                 | extensions <2>: type (2) | length (2) | ...
//     <n>: a length of n bytes, and so many bytes

namespace rpx::net {
namespace {

constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::size_t kRecordHeader = 5;
constexpr std::size_t kMostFragment = 16 * 1024;
constexpr std::size_t kMostName = 255;

std::unexpected<Error> bad_hello(const char* detail) { return client_error(ErrorKind::kBadRequest, detail); }

/// Takes bytes off the front of a text; after a step too far everything is empty and `short_of` is true.
struct Cut {
  std::string_view left;
  bool short_of = false;

  std::string_view bytes(std::size_t count) {
    if (count > left.size()) {
      short_of = true;
      left = {};
      return {};
    }
    const std::string_view out = left.substr(0, count);
    left.remove_prefix(count);
    return out;
  }
  std::size_t number(std::size_t width) {
    std::size_t value = 0;
    for (const char c : bytes(width)) value = (value << 8) | static_cast<unsigned char>(c);
    return value;
  }
  std::string_view vector(std::size_t width) { return bytes(number(width)); }
};

/// The fragments of the handshake that have come so far, put together.
struct Joined {
  std::string handshake;
  bool ended = false;  ///< records of another kind follow, as early data does
};

/// Nothing when the bytes do not begin as records of a handshake.
std::optional<Joined> join_records(std::string_view bytes) {
  Joined out;
  while (!bytes.empty()) {
    if (static_cast<unsigned char>(bytes[0]) != kHandshakeRecord || (bytes.size() > 1 && bytes[1] != 3)) {
      if (out.handshake.empty()) return std::nullopt;
      out.ended = true;
      break;
    }
    if (bytes.size() < kRecordHeader) break;
    Cut header{bytes.substr(3)};
    const std::size_t length = header.number(2);
    if (length == 0 || length > kMostFragment) {
      if (out.handshake.empty()) return std::nullopt;
      // What was whole before it stays what it was.
      out.ended = true;
      break;
    }
    out.handshake += header.left.substr(0, length);
    if (header.left.size() < length) break;
    bytes = header.left.substr(length);
  }
  return out;
}

// RFC 6066 section 3. A name that is none of DNS is as good as no name.
Result<std::string> read_name(std::string_view extension) {
  Cut cut{extension};
  Cut list{cut.vector(2)};
  while (!list.left.empty() && !list.short_of) {
    const std::size_t type = list.number(1);
    const std::string_view name = list.vector(2);
    if (list.short_of) break;
    if (type != 0) continue;
    const bool fine = !name.empty() && name.size() <= kMostName &&
                      std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; });
    if (!fine) return bad_hello("a name in the ClientHello that cannot be one");
    return lower(name);
  }
  if (cut.short_of || list.short_of) return bad_hello("a list of names in the ClientHello that ends early");
  return std::string();
}

Result<ClientHello> read_body(std::string_view body) {
  ClientHello out{.complete = true, .tls = true, .server_name = {}};
  Cut cut{body};
  cut.bytes(2 + 32);
  cut.vector(1);
  cut.vector(2);
  cut.vector(1);
  if (cut.short_of) return bad_hello("a ClientHello that ends early");
  if (cut.left.empty()) return out;
  Cut extensions{cut.vector(2)};
  while (!extensions.left.empty() && !extensions.short_of) {
    const std::size_t type = extensions.number(2);
    const std::string_view value = extensions.vector(2);
    if (extensions.short_of || type != 0) continue;
    RPX_TRY(out.server_name, read_name(value));
    return out;
  }
  if (cut.short_of || extensions.short_of) return bad_hello("an extension in the ClientHello that ends early");
  return out;
}

}  // namespace

Result<ClientHello> parse_client_hello(std::span<const char> bytes) {
  const auto joined = join_records({bytes.data(), bytes.size()});
  constexpr char kClientHelloType = 1;
  if (!joined || (!joined->handshake.empty() && joined->handshake.front() != kClientHelloType))
    return ClientHello{.complete = true, .tls = false, .server_name = {}};
  Cut cut{joined->handshake};
  cut.bytes(1);
  const std::size_t length = cut.number(3);
  if (!cut.short_of && length > kMaxClientHello) return bad_hello("a ClientHello too long");
  if (!cut.short_of && cut.left.size() >= length) return read_body(cut.left.substr(0, length));
  if (joined->ended) return bad_hello("a ClientHello that ends early");
  if (bytes.size() >= kMaxClientHello) return bad_hello("a ClientHello too long");
  return ClientHello{};
}

}  // namespace rpx::net
