#include "proxy/identity.h"

#include <catch2/catch.hpp>

using namespace rpx;
using namespace rpx::proxy;

TEST_CASE("identity: what a client claims of itself goes, however it is written", "[proxy]") {
  http::RequestHead request;
  Arena arena;
  for (const char* name : {"Remote-User", "remote_user", "REMOTE-USER", "X-Remote-User"})
    request.headers.add(name, "eve");
  drop_claim(request, "Remote-User", arena);
  REQUIRE(request.headers.size() == 1);
  CHECK(request.headers.begin()->name == "X-Remote-User");
  add_claim(request, "Remote-User", std::string("alice"), arena);
  CHECK(request.headers.value("Remote-User") == "alice");
}

TEST_CASE("identity: a Connection field cannot keep ours from being passed on", "[proxy]") {
  http::RequestHead request;
  Arena arena;
  request.headers.add("Connection", "close, remote-user ,X-Other");
  request.headers.add("Connection", "Remote-User");
  drop_claim(request, "Remote-User", arena);
  CHECK(request.headers.begin()->value == "close, X-Other");
  CHECK((request.headers.begin() + 1)->value.empty());
}
