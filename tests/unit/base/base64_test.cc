#include "base/base64.h"

#include <catch2/catch.hpp>

using namespace rpx;

TEST_CASE("base64: the vectors of RFC 4648 section 10, both ways", "[base][rfc4648]") {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    CHECK(to_base64(bytes) == text);
    CHECK(from_base64(text) == bytes);
  }
}

TEST_CASE("base64: what is not exactly that is nothing", "[base][rfc4648]") {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm9v\n", "Zm 9v", "=", "Zm9vYg=a", "-_--", "Z=g="})
    CHECK_FALSE(from_base64(text));
  for (const char* text : {"Zg==", "Z", "Zh", "+/++", "Zm9v "}) CHECK_FALSE(from_base64url(text));
  CHECK(from_base64url("Zg") == "f");
  CHECK(from_base64url("-_-_") == std::string("\xfb\xff\xbf"));
}
