#include "policy/blocklist_line.h"

#include <catch2/catch.hpp>

#include "base/rfc3339.h"

using namespace rpx;
using namespace rpx::policy;

TEST_CASE("blocklist line: address, end and reason", "[policy]") {
  const auto [line, prefix, until, reason] = GENERATE(table<const char*, const char*, const char*, const char*>({
      {"192.0.2.0/24", "192.0.2.0/24", "", ""},
      {"  192.0.2.7\t", "192.0.2.7/32", "", ""},
      {"2001:db8::/32 scrapes the shop", "2001:db8::/32", "", "scrapes the shop"},
      {"10.0.0.5/8 until=2026-01-02T03:04:05Z", "10.0.0.0/8", "2026-01-02T03:04:05.000Z", ""},
      {"10.0.0.0/8 until=2026-01-02  too  many # see 12", "10.0.0.0/8", "2026-01-02T00:00:00.000Z", "too  many"},
      {"10.0.0.1 ticket#12\r", "10.0.0.1/32", "", "ticket#12"},
  }));
  const auto read = parse_block_line(line);
  REQUIRE(read);
  REQUIRE(*read);
  CHECK((*read)->prefix.to_string() == prefix);
  CHECK(((*read)->until ? format_rfc3339(*(*read)->until) : "") == until);
  CHECK((*read)->reason == reason);
}

TEST_CASE("blocklist line: comments and empty lines say nothing", "[policy]") {
  const auto* line = GENERATE("", "   ", "# 10.0.0.1", "\t# x", "\r");
  const auto read = parse_block_line(line);
  REQUIRE(read);
  CHECK_FALSE(*read);
}

TEST_CASE("blocklist line: what is wrong is told", "[policy]") {
  const auto [line, what] = GENERATE(table<const char*, const char*>({
      {"10.0.0.1/33 x", R"(no address or prefix: "10.0.0.1/33")"},
      {"example.com", R"(no address or prefix: "example.com")"},
      {"10.0.0.1#x", R"(no address or prefix: "10.0.0.1#x")"},
      {"10.0.0.1 until=tomorrow", R"(no RFC 3339 time behind until=: "tomorrow")"},
      {"10.0.0.1 a\x01", R"(a control character in "10.0.0.1 a?")"},
  }));
  const auto read = parse_block_line(line);
  REQUIRE_FALSE(read);
  CHECK(read.error().detail == what);
}

TEST_CASE("blocklist line: what is written is read again", "[policy]") {
  const auto until = parse_rfc3339("2026-01-02T03:04:05.2Z");
  const std::string line = format_block_line(*IpPrefix::parse("192.0.2.0/24"), until, "too many requests");
  CHECK(line == "192.0.2.0/24 until=2026-01-02T03:04:06Z too many requests");
}

TEST_CASE("blocklist line: a reason that would be read as something else is refused", "[policy]") {
  const auto* reason = GENERATE("# x", "a # b", "until=2026-01-01", "a\nb", " a", "a ");
  CHECK_FALSE(check_block_reason(reason));
  CHECK(check_block_reason("ticket#12, see until=x"));
  CHECK_FALSE(check_block_reason(std::string(201, 'x')));
}
