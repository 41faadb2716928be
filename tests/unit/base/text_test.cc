#include "base/text.h"

#include <array>
#include <catch2/catch.hpp>

using namespace std::string_view_literals;

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  rpx::append_json_escaped(out, text);
  return out;
}

}  // namespace

TEST_CASE("text: case folding is ASCII's alone", "[base]") {
  CHECK(rpx::iequals("Content-Length", "cONTENT-lENGTH"));
  CHECK(rpx::iequals("", ""));
  CHECK_FALSE(rpx::iequals("a", "ab"));
  // '[' and '{', '@' and '`' differ by the same bit as letters do.
  CHECK_FALSE(rpx::iequals("[", "{"));
  CHECK_FALSE(rpx::iequals("@", "`"));
  CHECK_FALSE(rpx::iequals("\xc4", "\xe4"));
  CHECK(rpx::lower("AbZ[@\xc4") == "abz[@\xc4");
}

TEST_CASE("text: trim takes spaces and tabs, nothing else", "[base]") {
  CHECK(rpx::trim(" \t a b\t ") == "a b");
  CHECK(rpx::trim(" \t ").empty());
  CHECK(rpx::trim("\va\n") == "\va\n");
}

TEST_CASE("text: split keeps empty parts", "[base]") {
  using Parts = std::vector<std::string_view>;
  CHECK(rpx::split("a,b", ',') == Parts{"a", "b"});
  CHECK(rpx::split("", ',') == Parts{""});
  CHECK(rpx::split(",a,,", ',') == Parts{"", "a", "", ""});
}

TEST_CASE("text: parse_uint takes digits up to the largest number", "[base]") {
  CHECK(rpx::parse_uint("0") == 0U);
  CHECK(rpx::parse_uint("007") == 7U);
  CHECK(rpx::parse_uint("18446744073709551615") == UINT64_MAX);
  for (const std::string_view bad : {"", "+1", "-1", " 1", "1 ", "0x1", "1.0", "18446744073709551616",
                                     "18446744073709551625", "99999999999999999999999", "\xd9\xa5"}) {
    INFO(bad);
    CHECK_FALSE(rpx::parse_uint(bad).has_value());
  }
}

TEST_CASE("text: did_you_mean suggests what is near and nothing else", "[base]") {
  constexpr std::array known{"upstream"sv, "listen"sv, "route"sv, "limits"sv, "log"sv};
  CHECK(rpx::did_you_mean("upsteam", known) == "upstream");
  CHECK(rpx::did_you_mean("uptsream", known) == "upstream");
  CHECK(rpx::did_you_mean("Routes", known) == "route");
  CHECK(rpx::did_you_mean("lgo", known) == "log");
  CHECK(rpx::did_you_mean("banana", known).empty());
  CHECK(rpx::did_you_mean("", known).empty());
  CHECK(rpx::did_you_mean("route", {}).empty());
}

TEST_CASE("text: JSON strings hold no raw control, quote or broken UTF-8", "[base][rfc8259-7]") {
  CHECK(escaped("a\"b\\c") == R"(a\"b\\c)");
  CHECK(escaped("\b\f\n\r\t\x01\x1f"sv) == R"(\b\f\n\r\t\u0001\u001f)");
  CHECK(escaped("\0"sv) == R"(\u0000)");
  CHECK(escaped("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80") == "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
}

TEST_CASE("text: bytes that are not UTF-8 become U+FFFD one by one", "[base][rfc3629-4]") {
  constexpr std::string_view kInstead = "\xef\xbf\xbd";
  for (const std::string_view bad : {"\x80"sv, "\xc3"sv, "\xc0\xaf"sv, "\xe0\x80\xaf"sv, "\xed\xa0\x80"sv,
                                     "\xf0\x80\x80\xaf"sv, "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\xe2\x82"sv}) {
    std::string expected;
    for (std::size_t i = 0; i < bad.size(); ++i) expected += kInstead;
    CHECK(escaped(bad) == expected);
    CHECK(escaped(std::string(bad) + "a") == expected + "a");
  }
}

TEST_CASE("text: glob stars stand for any run", "[base]") {
  struct Row {
    std::string_view pattern;
    std::string_view text;
    bool matches;
  };
  for (const Row& row :
       {Row{"*", "", true}, Row{"", "", true}, Row{"", "a", false}, Row{"a*c", "abbc", true}, Row{"a*c", "abbd", false},
        Row{"*.css", "a.css", true}, Row{"*.css", ".css", true}, Row{"*.css", "a.css2", false}, Row{"a?c", "abc", true},
        Row{"a?c", "ac", false}, Row{"**a**", "xax", true}, Row{"*ab*ab", "abxxab", true}, Row{"*ab*ab", "ab", false},
        Row{"A", "a", false}}) {
    INFO(row.pattern << " on " << row.text);
    CHECK(rpx::glob_match(row.pattern, row.text) == row.matches);
  }
}

TEST_CASE("text: a glob of many stars does not take exponential time", "[base]") {
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "*a";
  CHECK_FALSE(rpx::glob_match(pattern + "b", std::string(2000, 'a')));
}
