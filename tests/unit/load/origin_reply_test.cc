#include "load/origin_reply.h"

#include <catch2/catch.hpp>

using rpx::load::Mishap;
using rpx::load::plan_reply;
using rpx::load::Reply;

TEST_CASE("the origin answers with size, status, fields and chunks as its target says", "[load]") {
  const Reply plain = plan_reply("/any/path");
  CHECK(plain.bytes.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(plain.head.find("Content-Length: 128\r\n") != std::string::npos);
  CHECK(plain.bytes.size() == plain.head.size() + 128);
  CHECK(plan_reply("/?size=1KiB").head.find("Content-Length: 1024\r\n") != std::string::npos);
  CHECK(plan_reply("/?status=204").bytes.find("Content-Length") == std::string::npos);
  CHECK(plan_reply("/?header=X-A:%20b&type=text/html").head.find("Content-Type: text/html\r\nX-A: b\r\n") !=
        std::string::npos);
  CHECK(plan_reply("/?close").close);
  CHECK(plan_reply("/?size=8&chunks=2&trailers")
            .bytes.ends_with("\r\n\r\n4\r\n0000\r\n4\r\n000\n\r\n0\r\nX-Trailer: done\r\n\r\n"));
  CHECK(plan_reply("/?delay=20ms").delay == std::chrono::milliseconds(20));
  const Reply coded = plan_reply("/?size=100KB&gzip");
  CHECK(coded.head.find("Content-Encoding: gzip\r\n") != std::string::npos);
  CHECK(coded.bytes.size() < 50'000);
}

TEST_CASE("the origin goes wrong where its target says so, for a share of requests", "[load]") {
  CHECK(plan_reply("/?error=reset").mishap == Mishap::kReset);
  CHECK(plan_reply("/?error=hang").sound.empty());
  const Reply some = plan_reply("/?error=truncate&error_rate=10%25&size=10");
  CHECK(some.mishap_share == Approx(0.1));
  CHECK(some.bytes.size() == some.head.size() + 5);
  CHECK(some.sound.size() == some.head.size() + 10);
}

TEST_CASE("the origin says what it cannot read", "[load]") {
  for (const char* target : {"/?size=big", "/?size=2GiB", "/?status=99", "/?status=700", "/?delay=2", "/?chunks=0",
                             "/?error=fire", "/?error_rate=5", "/?header=X", "/?header=X:%0d%0aY:z", "/?colour=red"}) {
    CAPTURE(target);
    const Reply reply = plan_reply(target);
    CHECK(reply.bytes.starts_with("HTTP/1.1 400 "));
    CHECK(reply.bytes.find("cannot read") != std::string::npos);
  }
}
