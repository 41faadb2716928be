#include "cache/conditions.h"

#include <catch2/catch.hpp>

#include "unit/cache/fields.h"

namespace rpx::cache {

TEST_CASE("conditions: entity tags are compared weakly, dates only without them", "[cache][rfc9110-13.1]") {
  const Validators stored{R"("a")", "Sun, 06 Nov 1994 08:49:37 GMT"};
  struct Row {
    std::string_view request;
    bool not_modified;
  };
  for (const Row& row :
       {Row{R"(If-None-Match: "a")", true}, Row{R"(If-None-Match: W/"a")", true},
        Row{R"(If-None-Match: "b", "a")", true}, Row{R"(If-None-Match: "b,a")", false},
        Row{R"(If-None-Match: "b")", false}, Row{"If-None-Match: *", true}, Row{"If-None-Match: a", false},
        Row{R"(If-None-Match: "b"|If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT)", false},
        Row{"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", true},
        Row{"If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT", false}, Row{"If-Modified-Since: yesterday", false},
        Row{"Accept: */*", false}}) {
    INFO(row.request);
    CHECK(is_not_modified(facts_of(fields(row.request)), stored) == row.not_modified);
  }
}

TEST_CASE("conditions: one range of bytes is taken, the rest is the whole", "[cache][rfc9110-14.1.2]") {
  using enum Part::Kind;
  struct Row {
    std::string_view request;
    Part::Kind kind;
    std::uint64_t first;
    std::uint64_t size;
  };
  const Validators stored{R"("a")", "Sun, 06 Nov 1994 08:49:37 GMT"};
  for (const Row& row : {Row{"Range: bytes=0-0", kPart, 0, 1}, Row{"Range: bytes=10-", kPart, 10, 90},
                         Row{"Range: bytes=-10", kPart, 90, 10}, Row{"Range: bytes=-1000", kPart, 0, 100},
                         Row{"Range: bytes=90-1000", kPart, 90, 10}, Row{"Range: Bytes=1-2", kPart, 1, 2},
                         Row{"Range: bytes=100-", kUnsatisfiable, 0, 0}, Row{"Range: bytes=-0", kUnsatisfiable, 0, 0},
                         Row{"Range: bytes=5-4", kWhole, 0, 0}, Row{"Range: bytes=a-b", kWhole, 0, 0},
                         Row{"Range: bytes=0-1,3-4", kWhole, 0, 0}, Row{"Range: bytes=-", kWhole, 0, 0},
                         Row{"Range: lines=0-1", kWhole, 0, 0}, Row{R"(Range: bytes=0-1|If-Range: "a")", kPart, 0, 2},
                         Row{R"(Range: bytes=0-1|If-Range: W/"a")", kWhole, 0, 0},
                         Row{"Range: bytes=0-1|If-Range: Sun, 06 Nov 1994 08:49:37 GMT", kPart, 0, 2},
                         Row{"Range: bytes=0-1|If-Range: Sun, 06 Nov 1994 08:49:38 GMT", kWhole, 0, 0}}) {
    INFO(row.request);
    const Part part = part_of(facts_of(fields(row.request)), stored, 100);
    CHECK(part.kind == row.kind);
    CHECK(part.first == row.first);
    CHECK(part.size == row.size);
  }
}

}  // namespace rpx::cache
