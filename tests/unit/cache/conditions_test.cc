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

TEST_CASE("conditions: ranges of bytes are taken, what cannot be read is the whole", "[cache][rfc9110-14.1.2]") {
  using enum Parts::Kind;
  using List = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  struct Row {
    std::string_view request;
    Parts::Kind kind;
    List parts;  // first, size
  };
  const Validators stored{R"("a")", "Sun, 06 Nov 1994 08:49:37 GMT"};
  for (const Row& row : {
           Row{"Range: bytes=0-0", kParts, {{0, 1}}},
           Row{"Range: bytes=10-", kParts, {{10, 90}}},
           Row{"Range: bytes=-10", kParts, {{90, 10}}},
           Row{"Range: bytes=-1000", kParts, {{0, 100}}},
           Row{"Range: bytes=90-1000", kParts, {{90, 10}}},
           Row{"Range: Bytes=1-2", kParts, {{1, 2}}},
           Row{"Range: bytes=100-", kUnsatisfiable, {}},
           Row{"Range: bytes=-0", kUnsatisfiable, {}},
           Row{"Range: bytes=5-4", kWhole, {}},
           Row{"Range: bytes=a-b", kWhole, {}},
           Row{"Range: bytes=-", kWhole, {}},
           Row{"Range: lines=0-1", kWhole, {}},
           Row{R"(Range: bytes=0-1|If-Range: "a")", kParts, {{0, 2}}},
           Row{R"(Range: bytes=0-1|If-Range: W/"a")", kWhole, {}},
           Row{"Range: bytes=0-1|If-Range: Sun, 06 Nov 1994 08:49:37 GMT", kParts, {{0, 2}}},
           Row{"Range: bytes=0-1|If-Range: Sun, 06 Nov 1994 08:49:38 GMT", kWhole, {}},
           Row{"Range: bytes=0-1,3-4", kParts, {{0, 2}, {3, 2}}},
           Row{"Range: bytes=50-51 , -1", kParts, {{50, 2}, {99, 1}}},
           Row{"Range: bytes=0-1,200-", kParts, {{0, 2}}},
           Row{"Range: bytes=200-,300-", kUnsatisfiable, {}},
           Row{"Range: bytes=0-5,5-9", kWhole, {}},
           Row{"Range: bytes=0-1,x", kWhole, {}},
           Row{"Range: "
               "bytes=1-1,3-3,5-5,7-7,9-9,11-11,13-13,15-15,17-17,19-19,21-21,23-23,25-25,27-27,29-29,31-31,33-33",
               kWhole,
               {}},
       }) {
    INFO(row.request);
    const Parts parts = parts_of(facts_of(fields(row.request)), stored, 100);
    CHECK(parts.kind == row.kind);
    List got;
    for (const Part& part : parts.parts) got.emplace_back(part.first, part.size);
    if (row.kind != kWhole) CHECK(got == row.parts);
  }
}

TEST_CASE("conditions: Content-Range is read, or is of no use", "[cache][rfc9110-14.4]") {
  const auto range = parse_content_range("bytes 2-5/10");
  REQUIRE(range);
  CHECK(range->first == 2);
  CHECK(range->last == 5);
  CHECK(range->total == 10);
  for (const std::string_view value : {"bytes */10", "bytes 2-5/*", "bytes 5-2/10", "bytes 2-10/10", "lines 2-5/10",
                                       "bytes 2-5", "bytes 2/10-5", "bytes -5/10", ""})
    CHECK_FALSE(parse_content_range(value));
}

}  // namespace rpx::cache
