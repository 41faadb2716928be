#include "base/siphash.h"

#include <bit>
#include <random>

namespace rpx {
namespace {

struct State {
  std::uint64_t a, b, c, d;

  void round() noexcept {
    a += b;
    c += d;
    b = std::rotl(b, 13) ^ a;
    d = std::rotl(d, 16) ^ c;
    a = std::rotl(a, 32);
    c += b;
    a += d;
    b = std::rotl(b, 17) ^ c;
    d = std::rotl(d, 21) ^ a;
    c = std::rotl(c, 32);
  }
};

constexpr std::size_t kWord = 8;

// Little-endian, up to eight bytes.
std::uint64_t load(std::string_view bytes) noexcept {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) out |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return out;
}

}  // namespace

SipKey random_sip_key() {
  std::random_device random;
  const auto word = [&random] { return (std::uint64_t{random()} << 32U) | random(); };
  return {word(), word()};
}

std::uint64_t siphash(const SipKey& key, std::string_view text) noexcept {
  State state{key[0] ^ 0x736f6d6570736575U, key[1] ^ 0x646f72616e646f6dU, key[0] ^ 0x6c7967656e657261U,
              key[1] ^ 0x7465646279746573U};
  const auto take = [&state](std::uint64_t word) {
    state.d ^= word;
    state.round();
    state.round();
    state.a ^= word;
  };
  const std::uint64_t length = std::uint64_t{text.size() & 0xffU} << 56U;
  for (; text.size() >= kWord; text.remove_prefix(kWord)) take(load(text.substr(0, kWord)));
  take(length | load(text));
  state.c ^= 0xff;
  for (int i = 0; i < 4; ++i) state.round();
  return state.a ^ state.b ^ state.c ^ state.d;
}

}  // namespace rpx
