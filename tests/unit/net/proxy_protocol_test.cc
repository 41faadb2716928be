#include "net/proxy_protocol.h"

#include <catch2/catch.hpp>

using namespace rpx;
using namespace rpx::net;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string v2(std::string_view version_command, std::string_view family, std::string_view body) {
  std::string out = kSignature + std::string(version_command) + std::string(family);
  out += static_cast<char>(body.size() >> 8);
  out += static_cast<char>(body.size());
  return out + std::string(body);
}

/// "source destination", "none", "more" or "refused".
std::string parsed(std::string_view bytes) {
  const auto header = parse_proxy_header(bytes);
  if (!header) {
    CHECK(header.error().kind == ErrorKind::kBadRequest);
    CHECK(header.error().side == Side::kClient);
    return "refused";
  }
  if (header->consumed == 0) return "more";
  CHECK(header->consumed <= bytes.size());
  if (!header->source || !header->destination) return "none";
  return header->source->to_string() + " " + header->destination->to_string();
}

const std::string kV4Body = "\x01\x02\x03\x04\x05\x06\x07\x08\x1f\x90\x00\x50"s;
const std::string kV6Body =
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"s + std::string(15, '\0') + "\x02\xff\xff\x00\x01"s;

}  // namespace

TEST_CASE("proxy_protocol: version 1 names both ends", "[net]") {
  CHECK(parsed("PROXY TCP4 1.2.3.4 5.6.7.8 8080 80\r\n") == "1.2.3.4:8080 5.6.7.8:80");
  CHECK(parsed("PROXY TCP6 2001:db8::1 ::2 65535 0\r\nGET /") == "[2001:db8::1]:65535 [::2]:0");
  CHECK(parsed("PROXY UNKNOWN\r\n") == "none");
  CHECK(parsed("PROXY UNKNOWN ffff:f...f:ffff whatever 1 2\r\n") == "none");
}

TEST_CASE("proxy_protocol: version 2 names both ends", "[net]") {
  CHECK(parsed(v2("\x21", "\x11", kV4Body)) == "1.2.3.4:8080 5.6.7.8:80");
  CHECK(parsed(v2("\x21", "\x21", kV6Body)) == "[2001:db8::1]:65535 [::2]:1");
  CHECK(parsed(v2("\x21", "\x11", kV4Body + "\x04\x00\x02xx"s) + "GET /") == "1.2.3.4:8080 5.6.7.8:80");
}

TEST_CASE("proxy_protocol: version 2 without a peer to believe", "[net]") {
  CHECK(parsed(v2("\x20", "\x00"sv, "")) == "none");
  CHECK(parsed(v2("\x20", "\x11", kV4Body)) == "none");
  CHECK(parsed(v2("\x21", "\x00"sv, "")) == "none");
  CHECK(parsed(v2("\x21", "\x12", kV4Body)) == "none");
  CHECK(parsed(v2("\x21", "\x31", std::string(216, 'a'))) == "none");
}

TEST_CASE("proxy_protocol: a header that comes byte by byte is taken when it is whole and not before", "[net]") {
  for (const std::string& whole :
       {"PROXY TCP4 1.2.3.4 5.6.7.8 8080 80\r\n"s, "PROXY UNKNOWN\r\n"s, v2("\x21", "\x11", kV4Body),
        v2("\x21", "\x21", kV6Body), v2("\x20", "\x00"sv, "abc")}) {
    for (std::size_t size = 0; size < whole.size(); ++size)
      CHECK(parsed(std::string_view(whole).substr(0, size)) == "more");
    const auto header = parse_proxy_header(whole + "GET /");
    REQUIRE(header.has_value());
    CHECK(header->consumed == whole.size());
  }
}

TEST_CASE("proxy_protocol: malformed lines are refused", "[net]") {
  for (const std::string_view line :
       {"PROXY TCP4 1.2.3.4 5.6.7.8 8080"sv, "PROXY TCP4 1.2.3.4 5.6.7.8 8080 80 "sv,
        "PROXY TCP4  1.2.3.4 5.6.7.8 8080 80"sv, "PROXY TCP4 1.2.3.4 5.6.7.8 8080 65536"sv,
        "PROXY TCP4 1.2.3.4 5.6.7.8 08080 80"sv, "PROXY TCP4 1.2.3.4 5.6.7.8 -1 80"sv, "PROXY TCP4 ::1 ::2 1 2"sv,
        "PROXY TCP6 1.2.3.4 5.6.7.8 1 2"sv, "PROXY TCP4 1.2.3 5.6.7.8 1 2"sv, "PROXY UDP4 1.2.3.4 5.6.7.8 1 2"sv,
        "PROXY UNKNOWNX"sv, "PROXY "sv, "PROXY\tTCP4 1.2.3.4 5.6.7.8 1 2"sv, "PROXY TCP4 1.2.3.4\t5.6.7.8 1 2"sv,
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\0"sv, "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r"sv, "PROXY TCP4 01.2.3.4 5.6.7.8 1 2"sv,
        "proxy TCP4 1.2.3.4 5.6.7.8 1 2"sv, "GET / HTTP/1.1"sv}) {
    INFO(line);
    CHECK(parsed(std::string(line) + "\r\n") == "refused");
  }
  CHECK(parsed("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n") == "refused");
}

TEST_CASE("proxy_protocol: a line has 107 bytes at most", "[net]") {
  const std::string line = "PROXY UNKNOWN " + std::string(91, 'a');
  CHECK(parsed(line + "\r\n") == "none");
  CHECK(parsed(line + "a\r\n") == "refused");
  CHECK(parsed(line + "aa") == "refused");
}

TEST_CASE("proxy_protocol: malformed binary headers are refused", "[net]") {
  CHECK(parsed(v2("\x11", "\x11", kV4Body)) == "refused");
  CHECK(parsed(v2("\x22", "\x11", kV4Body)) == "refused");
  CHECK(parsed(v2("\x21", "\x11", kV4Body.substr(1))) == "refused");
  CHECK(parsed(v2("\x21", "\x21", kV6Body.substr(1))) == "refused");
  CHECK(parsed(v2("\x21", "\x41", kV4Body)) == "refused");
  CHECK(parsed(v2("\x21", "\x13", kV4Body)) == "refused");
  CHECK(parsed(kSignature + "\x21\x11\xff\xff") == "refused");
  CHECK(parsed(v2("\x21", "\x11", kV4Body + std::string(4096 - 12, 'x'))) == "1.2.3.4:8080 5.6.7.8:80");
  CHECK(parsed(v2("\x21", "\x11", kV4Body + std::string(4096 - 11, 'x'))) == "refused");
}

TEST_CASE("proxy_protocol: the first wrong byte is enough", "[net]") {
  for (std::size_t size = 0; size < kSignature.size(); ++size)
    CHECK(parsed(kSignature.substr(0, size) + "X") == "refused");
  for (std::size_t size = 1; size < 6; ++size)
    CHECK(parsed(std::string("PROXY "sv.substr(0, size)) + "x") == "refused");
  CHECK(parsed("PROXY TCP4 \x01") == "refused");
  CHECK(parsed("\x16\x03\x01") == "refused");
}
