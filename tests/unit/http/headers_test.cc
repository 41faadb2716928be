#include "http/headers.h"

#include <catch2/catch.hpp>

#include "base/text.h"

using rpx::http::field_id;
using rpx::http::FieldId;
using rpx::http::Headers;
using rpx::http::lower_name;
using enum rpx::http::FieldId;

namespace {

constexpr std::pair<std::string_view, FieldId> kNames[] = {
    {"Host", kHost},
    {"Connection", kConnection},
    {"Content-Length", kContentLength},
    {"Transfer-Encoding", kTransferEncoding},
    {"TE", kTe},
    {"Trailer", kTrailer},
    {"Upgrade", kUpgrade},
    {"Keep-Alive", kKeepAlive},
    {"Proxy-Connection", kProxyConnection},
    {"Proxy-Authenticate", kProxyAuthenticate},
    {"Proxy-Authorization", kProxyAuthorization},
    {"Expect", kExpect},
    {"Forwarded", kForwarded},
    {"X-Forwarded-For", kXForwardedFor},
    {"X-Forwarded-Proto", kXForwardedProto},
    {"X-Forwarded-Host", kXForwardedHost},
    {"X-Real-IP", kXRealIp},
    {"X-Request-ID", kXRequestId},
    {"Max-Forwards", kMaxForwards},
    {"Via", kVia},
    {"Server", kServer},
    {"X-Powered-By", kXPoweredBy},
    {"Date", kDate},
    {"Location", kLocation},
    {"Content-Location", kContentLocation},
    {"Set-Cookie", kSetCookie},
    {"Content-Type", kContentType},
    {"Content-Encoding", kContentEncoding},
    {"Accept-Encoding", kAcceptEncoding},
    {"Authorization", kAuthorization},
    {"Cookie", kCookie},
    {"Cache-Control", kCacheControl},
    {"User-Agent", kUserAgent},
    {"Referer", kReferer},
    {"Accept", kAccept},
    {"Retry-After", kRetryAfter},
    {"HTTP2-Settings", kHttp2Settings},
};

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return out;
}

}  // namespace

TEST_CASE("headers: known names have their id in any case", "[http][rfc9110-5.1]") {
  for (const auto& [name, id] : kNames) {
    INFO(name);
    CHECK(field_id(name) == id);
    CHECK(field_id(rpx::lower(name)) == id);
    CHECK(field_id(upper(name)) == id);
  }
}

TEST_CASE("headers: an id has one name, in lower case", "[http][rfc9113-8.2]") {
  for (const auto& [name, id] : kNames) CHECK(lower_name(id) == rpx::lower(name));
  CHECK(lower_name(kOther).empty());
}

TEST_CASE("headers: released ones are as good as new", "[http]") {
  Headers first;
  first.add("Host", "a.test");
  const auto* const memory = first.fields().data();
  first.release();
  CHECK(first.empty());
  first.release();
  Headers second;
  second.add("Via", "1.1 b");
  CHECK(second.fields().data() == memory);
  first.add("Date", "now");
  CHECK(first.size() == 1);
  CHECK(first.value(kDate) == "now");
  CHECK(second.value(kVia) == "1.1 b");
}

TEST_CASE("headers: a name that differs in one byte is another field", "[http][rfc9110-5.1]") {
  for (const auto& [name, id] : kNames) {
    for (std::size_t i = 0; i < name.size(); ++i) {
      for (int c = 0; c < 256; ++c) {
        std::string other(name);
        other[i] = static_cast<char>(c);
        if (rpx::iequals(other, name)) continue;
        if (field_id(other) == id) FAIL("byte " << c << " at " << i << " of " << name);
      }
    }
    CHECK(field_id(name.substr(1)) != id);
    CHECK(field_id(name.substr(0, name.size() - 1)) != id);
    CHECK(field_id(std::string(name) + "s") != id);
  }
  for (const std::string_view name : {"", "X", "X-Hop", "An-Exceedingly-Long-Field-Name-Of-No-Use"})
    CHECK(field_id(name) == kOther);
}

TEST_CASE("headers: fields are found by id and by name in any case", "[http]") {
  Headers headers;
  headers.add("X-A", "1");
  headers.add("cookie", "a=b");
  headers.add("x-a", "2");
  CHECK(headers.value("X-a") == "1");
  CHECK(headers.value(kCookie) == "a=b");
  CHECK(headers.value("COOKIE") == "a=b");
  CHECK(headers.find("X-B") == nullptr);
  CHECK(headers.find(kHost) == nullptr);
  CHECK(headers.value(kHost).empty());
  CHECK(headers.has(kCookie));
  CHECK(headers.size() == 3);
}

TEST_CASE("headers: remove takes every field called so and keeps the order of the rest", "[http]") {
  Headers headers;
  for (const std::string_view name : {"A", "X-A", "B", "x-A", "C", "Cookie"}) headers.add(name, name);
  CHECK(headers.remove("x-a") == 2);
  CHECK(headers.remove("X-A") == 0);
  CHECK(headers.remove(kCookie) == 1);
  std::string left;
  for (const auto& field : headers) left += field.name;
  CHECK(left == "ABC");
}

TEST_CASE("headers: set leaves one field", "[http]") {
  Headers headers;
  headers.add("X-A", "1");
  headers.add("x-a", "2");
  headers.set("X-A", "3");
  CHECK(headers.size() == 1);
  CHECK(headers.value("x-a") == "3");
}

TEST_CASE("headers: list_contains compares whole members in any case", "[http][rfc9110-5.6.1]") {
  using rpx::http::list_contains;
  CHECK(list_contains("close", "close"));
  CHECK(list_contains("keep-alive, Upgrade", "upgrade"));
  CHECK(list_contains(" ,\t close ,", "close"));
  CHECK_FALSE(list_contains("closed", "close"));
  CHECK_FALSE(list_contains("x close", "close"));
  CHECK_FALSE(list_contains("", "close"));
  CHECK_FALSE(list_contains("a;close", "close"));
}
