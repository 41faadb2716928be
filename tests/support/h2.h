// HTTP/2 frame by frame for unit tests: what a peer says, and what it is told. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rpx::test {

enum H2Type : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kReset = 3,
  kSettings = 4,
  kPing = 6,
  kGoaway = 7,
  kWindow = 8,
  kContinuation = 9
};
inline constexpr std::uint8_t kEnd = 1;
inline constexpr std::uint8_t kAck = 1;
inline constexpr std::uint8_t kWholeHead = 4;
inline constexpr std::uint8_t kPadded = 8;
inline constexpr std::string_view kH2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct H2Frame {
  std::uint8_t type;
  std::uint8_t flags;
  std::uint32_t stream;
  std::string payload;
};

inline std::string number(std::uint32_t value, int bytes) {
  std::string out;
  while (bytes-- > 0) out += static_cast<char>(value >> (8 * bytes) & 0xff);
  return out;
}

inline std::uint32_t number_in(std::string_view bytes) {
  std::uint32_t out = 0;
  for (const char c : bytes) out = out << 8U | static_cast<unsigned char>(c);
  return out;
}

inline std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload = {}) {
  std::string out = number(static_cast<std::uint32_t>(payload.size()), 3);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  return out + number(stream, 4) + std::string(payload);
}

/// A field as HPACK has it without index or compression.
inline std::string literal(std::string_view name, std::string_view value) {
  std::string out(1, '\0');
  out.append(1, static_cast<char>(name.size())).append(name);
  return out.append(1, static_cast<char>(value.size())).append(value);
}

inline std::string head(std::string_view method, std::string_view path, std::string_view more = {}) {
  return literal(":method", method) + literal(":scheme", "http") + literal(":authority", "a.test") +
         literal(":path", path) + std::string(more);
}

inline std::string setting(std::uint32_t identifier, std::uint32_t value) {
  return number(identifier, 2) + number(value, 4);
}

/// Takes the whole frames off the front of `held`.
inline void take_frames(std::string& held, std::vector<H2Frame>& into) {
  while (held.size() >= 9) {
    const std::size_t size = number_in(std::string_view(held).substr(0, 3));
    if (held.size() < 9 + size) return;
    into.push_back({static_cast<std::uint8_t>(held[3]), static_cast<std::uint8_t>(held[4]),
                    number_in(std::string_view(held).substr(5, 4)), held.substr(9, size)});
    held.erase(0, 9 + size);
  }
}

}  // namespace rpx::test
