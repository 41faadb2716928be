// A request and its values, as the tests of this folder need them. One thread.
#pragma once

#include <string_view>

#include "base/arena.h"
#include "http/message.h"
#include "policy/values.h"

namespace rpx::policy {

/// GET http://shop.example:8080/a/b?x=1, as asked by 192.0.2.7.
struct Example {
  http::RequestHead head;
  http::Headers reply;
  Arena arena;
  Values values{.request = head};

  Example() {
    head.method = http::Method::kGet;
    head.method_name = "GET";
    head.raw_target = "/a/./b?x=1";
    head.target = {.host = "shop.example",
                   .authority = "shop.example:8080",
                   .port = 8080,
                   .path = "/a/b",
                   .lax_path = "/a/b",
                   .query = "?x=1"};
    head.headers.add("Host", "shop.example:8080");
    values.client = "192.0.2.7";
    values.peer = "10.0.0.1";
    values.scheme = "https";
    values.authority = "shop.example:8080";
    values.request_id = "0af7";
    values.route = "shop";
    values.listener = "web";
    values.response_headers = &reply;
  }
  Example(const Example&) = delete;
  Example& operator=(const Example&) = delete;
};

}  // namespace rpx::policy
