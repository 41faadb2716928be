#include "load/request.h"

#include <catch2/catch.hpp>

using rpx::load::Fill;
using rpx::load::Mix;
using rpx::load::Random;
using rpx::load::Request;
using rpx::load::RequestText;

namespace {

std::string written(const RequestText& text, bool close = false, std::string_view cookies = {}) {
  Random random(1);
  const auto request = Request::build(text, nullptr, close);
  REQUIRE(request);
  std::string out;
  request->write(out, Fill{5, &random, nullptr}, cookies);
  return out;
}

}  // namespace

TEST_CASE("a request is written with Host, its fields and the length of its body", "[load]") {
  RequestText text{.authority = "a.test", .target = "/x?y", .headers = {{"User-Agent", "t"}}};
  CHECK(written(text) == "GET /x?y HTTP/1.1\r\nHost: a.test\r\nUser-Agent: t\r\n\r\n");
  CHECK(written(text, true) == "GET /x?y HTTP/1.1\r\nHost: a.test\r\nUser-Agent: t\r\nConnection: close\r\n\r\n");
  CHECK(written(text, false, "a=b") == "GET /x?y HTTP/1.1\r\nHost: a.test\r\nUser-Agent: t\r\nCookie: a=b\r\n\r\n");
  text.method = "POST";
  CHECK(written(text) == "POST /x?y HTTP/1.1\r\nHost: a.test\r\nUser-Agent: t\r\nContent-Length: 0\r\n\r\n");
  text.body = "n={{seq}}";
  text.headers.emplace_back("host", "b.test");
  CHECK(written(text) == "POST /x?y HTTP/1.1\r\nHost: b.test\r\nUser-Agent: t\r\nContent-Length: 3\r\n\r\nn=5");
}

TEST_CASE("a request that could not be sent as it is said is refused", "[load]") {
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"Bad Name", "x"}, {"X", "a\r\nb"}, {"Content-Length", "5"}, {"Connection", "close"}}) {
    CAPTURE(name);
    RequestText text;
    text.headers = {{name, value}};
    CHECK_FALSE(Request::build(text, nullptr, false));
  }
  RequestText text;
  text.method = "G ET";
  CHECK_FALSE(Request::build(text, nullptr, false));
}

TEST_CASE("a mix picks requests by their weights", "[load]") {
  std::vector<Request> requests;
  for (const double weight : {1.0, 3.0}) {
    RequestText text;
    text.weight = weight;
    requests.push_back(*Request::build(text, nullptr, false));
  }
  const Mix mix(requests);
  Random random(3);
  int second = 0;
  for (int i = 0; i < 10000; ++i) second += &mix.pick(random) == &requests[1] ? 1 : 0;
  CHECK(std::abs(second - 7500) < 200);
}
