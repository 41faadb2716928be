#include "cache/groups.h"

#include <catch2/catch.hpp>

#include "unit/cache/fields.h"

namespace rpx::cache {

TEST_CASE("groups: a list of strings is read from all fields together, anything else is nothing",
          "[cache][rfc9875-2]") {
  using Names = std::vector<std::string>;
  for (const auto& [text, names] : {
           std::pair{R"(Cache-Groups: "a", "b c")", Names{"a", "b c"}},
           std::pair{R"(Cache-Groups: "a"|cache-groups: "b")", Names{"a", "b"}},
           std::pair{R"(Cache-Groups: "a";x=1;y, "b\"c\\")", Names{"a", R"(b"c\)"}},
           std::pair{R"(Cache-Groups: )", Names{}},
           std::pair{R"(Cache-Groups: a)", Names{}},
           std::pair{R"(Cache-Groups: "a" "b")", Names{}},
           std::pair{R"(Cache-Groups: "a",)", Names{}},
           std::pair{R"(Cache-Groups: "a)", Names{}},
           std::pair{R"(Cache-Groups: "a"|Cache-Groups: b)", Names{}},
           std::pair{R"(Other: "a")", Names{}},
       }) {
    INFO(text);
    CHECK(groups_in(fields(text), "Cache-Groups") == names);
  }
}

}  // namespace rpx::cache
