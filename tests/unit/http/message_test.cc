#include "http/message.h"

#include <catch2/catch.hpp>

using namespace rpx::http;

TEST_CASE("message: methods are told apart by case", "[http][rfc9110-9.1]") {
  const std::pair<std::string_view, Method> rows[] = {
      {"GET", Method::kGet},        {"HEAD", Method::kHead},       {"POST", Method::kPost},
      {"PUT", Method::kPut},        {"DELETE", Method::kDelete},   {"OPTIONS", Method::kOptions},
      {"PATCH", Method::kPatch},    {"CONNECT", Method::kConnect}, {"TRACE", Method::kTrace},
      {"get", Method::kOther},      {"GETS", Method::kOther},      {"", Method::kOther},
      {"PROPFIND", Method::kOther},
  };
  for (const auto& [name, method] : rows) {
    INFO(name);
    CHECK(method_of(name) == method);
  }
}

TEST_CASE("message: what may be sent twice without harm", "[http][rfc9110-9.2.2]") {
  for (const Method method :
       {Method::kGet, Method::kHead, Method::kPut, Method::kDelete, Method::kOptions, Method::kTrace})
    CHECK(is_idempotent(method));
  for (const Method method : {Method::kPost, Method::kPatch, Method::kConnect, Method::kOther})
    CHECK_FALSE(is_idempotent(method));
}

TEST_CASE("message: reasons of registered status codes", "[http][rfc9110-15]") {
  CHECK(reason_phrase(100) == "Continue");
  CHECK(reason_phrase(200) == "OK");
  CHECK(reason_phrase(404) == "Not Found");
  CHECK(reason_phrase(511) == "Network Authentication Required");
  for (const int status : {0, 99, 199, 299, 418, 599, 999})
    CHECK(reason_phrase(static_cast<std::uint16_t>(status)) == "Unknown");
}

TEST_CASE("message: a cleared head is as new", "[http]") {
  RequestHead request;
  request.method = Method::kPost;
  request.minor_version = 0;
  request.framing = Framing::kChunked;
  request.content_length = 5;
  request.keep_alive = false;
  request.expects_continue = request.wants_upgrade = true;
  request.target.path = "/x";
  request.target.port = 5;
  request.headers.add("A", "b");
  request.clear();
  CHECK(request.method == Method::kGet);
  CHECK(request.minor_version == 1);
  CHECK(request.framing == Framing::kNone);
  CHECK(request.content_length == 0);
  CHECK(request.keep_alive);
  CHECK_FALSE(request.expects_continue);
  CHECK_FALSE(request.wants_upgrade);
  CHECK(request.target.path.empty());
  CHECK(request.target.port == 0);
  CHECK(request.headers.empty());

  ResponseHead response;
  response.status = 500;
  response.reason = "x";
  response.keep_alive = false;
  response.framing = Framing::kClose;
  response.clear();
  CHECK(response.status == 0);
  CHECK(response.reason.empty());
  CHECK(response.keep_alive);
  CHECK(response.framing == Framing::kNone);
}
