#include "cache/languages.h"

#include <catch2/catch.hpp>

namespace rpx::cache {

TEST_CASE("languages: lists of the same meaning are written the same", "[cache][rfc9110-12.5.4]") {
  CHECK(normal_languages("en, de") == "de,en");
  CHECK(normal_languages(" DE ,eN;q=1.0,, ") == "de,en");
  CHECK(normal_languages("en;q=0.5, de-AT;q=0.85, *;q=0") == "de-at;q=0.850,en;q=0.500,*;q=0.000");
  CHECK(normal_languages("de;q=x") == "de");
  CHECK(normal_languages("").empty());
}

TEST_CASE("languages: the best is the one of greatest weight", "[cache][rfc9110-12.5.4]") {
  CHECK(best_language("fr;q=0.5, DE;q=1.0") == "de");
  CHECK(best_language("fr;q=0.5, en;q=0.7") == "en");
  for (const char* none : {"", "de, en", "*", "de;q=0"}) CHECK(best_language(none).empty());
}

}  // namespace rpx::cache
