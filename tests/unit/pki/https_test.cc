#include "pki/https.h"

#include <catch2/catch.hpp>

using namespace rpx;

TEST_CASE("https: a reply is taken apart, by its length, in chunks, or up to the end", "[pki]") {
  const auto plain = pki::parse_web_reply("HTTP/1.1 201 Created\r\nReplay-Nonce: abc\r\nContent-Length: 2\r\n\r\nhi");
  REQUIRE(plain);
  CHECK(plain->status == 201);
  CHECK(plain->field("replay-nonce") == "abc");
  CHECK(plain->body == "hi");
  const auto chunked =
      pki::parse_web_reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n");
  REQUIRE(chunked);
  CHECK(chunked->body == "abcde");
  CHECK(pki::parse_web_reply("HTTP/1.0 500 x\r\nA: b\r\n\r\nrest")->body == "rest");
}

TEST_CASE("https: replies that are cut short or make no sense are refused", "[pki]") {
  for (const char* bad : {"", "SSH-2.0", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 xyz OK\r\n\r\n",
                          "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi",
                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"})
    CHECK_FALSE(pki::parse_web_reply(bad));
  CHECK_FALSE(pki::ask_https({"GET", "http://127.0.0.1/", "", "", ""}, "", std::chrono::steady_clock::now()));
}
