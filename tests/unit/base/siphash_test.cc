#include "base/siphash.h"

#include <catch2/catch.hpp>

#include <string>

using namespace rpx;

TEST_CASE("siphash: gives what its authors published", "[base]") {
  // Key 00 01 … 0f, and the messages 00 01 …, from the appendix of the paper and the vectors beside it.
  constexpr SipKey kKey{0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
  std::string text;
  CHECK(siphash(kKey, text) == 0x726fdb47dd0e0e31U);
  text += '\0';
  CHECK(siphash(kKey, text) == 0x74f839c593dc67fdU);
  while (text.size() < 15) text += static_cast<char>(text.size());
  CHECK(siphash(kKey, text) == 0xa129ca6149be45e5U);
}

TEST_CASE("siphash: two keys are not the same", "[base]") { CHECK(random_sip_key() != random_sip_key()); }
