#include "http/h1_write.h"

#include <catch2/catch.hpp>

#include "http/h1_chunked.h"

using namespace rpx::http;

namespace {

Headers two_fields() {
  Headers headers;
  headers.add("Host", "a.test");
  headers.add("X-Empty", {});
  return headers;
}

}  // namespace

TEST_CASE("h1_write: a request head", "[http][rfc9112-3]") {
  std::string out = "before ";
  write_request_head(out, "GET", "/a", "?b", two_fields());
  CHECK(out == "before GET /a?b HTTP/1.1\r\nHost: a.test\r\nX-Empty: \r\n\r\n");
  out.clear();
  write_request_head(out, "OPTIONS", "*", {}, {});
  CHECK(out == "OPTIONS * HTTP/1.1\r\n\r\n");
}

TEST_CASE("h1_write: a response head, whose reason may be the registered one", "[http][rfc9112-4]") {
  std::string out;
  write_response_head(out, 404, {}, two_fields());
  CHECK(out == "HTTP/1.1 404 Not Found\r\nHost: a.test\r\nX-Empty: \r\n\r\n");
  out.clear();
  write_response_head(out, 200, "Fine", {});
  CHECK(out == "HTTP/1.1 200 Fine\r\n\r\n");
  out.clear();
  write_response_head(out, 999, "", {});
  CHECK(out == "HTTP/1.1 999 Unknown\r\n\r\n");
}

TEST_CASE("h1_write: chunks come back from the decoder as they went", "[http][rfc9112-7.1]") {
  std::string out;
  write_chunk_size(out, 26);
  CHECK(out == "1a\r\n");
  out += std::string(26, 'x') + "\r\n";
  Headers trailers;
  trailers.add("X-T", "v");
  write_last_chunk(out, trailers);
  CHECK(out.ends_with("\r\n0\r\nX-T: v\r\n\r\n"));
  ChunkedDecoder decoder(rpx::Side::kUpstream);
  const auto step = decoder.decode(out, {});
  REQUIRE(step.has_value());
  CHECK(step->done);
  CHECK(step->produced == 26);
  CHECK(decoder.trailers().value("x-t") == "v");
}

TEST_CASE("h1_write: the largest chunk size", "[http]") {
  std::string out;
  write_chunk_size(out, UINT64_MAX);
  CHECK(out == "ffffffffffffffff\r\n");
}
