#include "http/hop_by_hop.h"

#include <catch2/catch.hpp>

using namespace rpx::http;

namespace {

/// Names that travel on, joined by spaces.
std::string kept(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  Headers in;
  for (const auto& [name, value] : fields) in.add(name, value);
  Headers out;
  out.add("Stale", "1");
  copy_end_to_end(in, out);
  std::string names;
  for (const Field& field : out) names += (names.empty() ? "" : " ") + std::string(field.name);
  return names;
}

}  // namespace

TEST_CASE("hop_by_hop: fields of the connection end here", "[http][rfc9110-7.6.1]") {
  CHECK(kept({{"Host", "a"},
              {"Connection", "keep-alive"},
              {"Keep-Alive", "timeout=5"},
              {"Proxy-Connection", "keep-alive"},
              {"Proxy-Authenticate", "x"},
              {"Proxy-Authorization", "x"},
              {"TE", "trailers"},
              {"Transfer-Encoding", "chunked"},
              {"Content-Length", "5"},
              {"Upgrade", "websocket"},
              {"HTTP2-Settings", "x"},
              {"Trailer", "X-T"},
              {"X-A", "1"},
              {"Set-Cookie", "a"},
              {"Set-Cookie", "b"}}) == "Host Trailer X-A Set-Cookie Set-Cookie");
}

TEST_CASE("hop_by_hop: what Connection lists goes, on any of its lines and in any case", "[http][rfc9110-7.6.1]") {
  CHECK(kept({{"Connection", "X-Hop"},
              {"X-Hop", "1"},
              {"X-Stay", "1"},
              {"connection", "close, x-hop-two"},
              {"X-HOP-Two", "2"}}) == "X-Stay");
  CHECK(kept({{"X-Hop", "1"}, {"Connection", " , X-Hop ,"}, {"X-Hop-Two", "1"}}) == "X-Hop-Two");
}

TEST_CASE("hop_by_hop: Connection takes nothing that a message needs", "[http]") {
  CHECK(kept({{"Connection",
               "Host, Content-Length, Authorization, Cookie, Cache-Control, X-Forwarded-For, Forwarded, X-Real-IP, "
               "X-Forwarded-Port, Set-Cookie, Location, Content-Type, Date, Expect, Max-Forwards, Via, Trailer"},
              {"Host", "a"},
              {"Authorization", "x"},
              {"Cookie", "x"},
              {"Cache-Control", "x"},
              {"X-Forwarded-For", "x"},
              {"Forwarded", "x"},
              {"X-Real-IP", "x"},
              {"X-Forwarded-Port", "x"},
              {"Set-Cookie", "x"},
              {"Location", "x"},
              {"Content-Type", "x"},
              {"Date", "x"},
              {"Expect", "x"},
              {"Max-Forwards", "1"},
              {"Via", "x"},
              {"Trailer", "x"}}) ==
        "Host Authorization Cookie Cache-Control X-Forwarded-For Forwarded X-Real-IP X-Forwarded-Port Set-Cookie "
        "Location "
        "Content-Type Date Expect Max-Forwards Via Trailer");
}

TEST_CASE("hop_by_hop: close and keep-alive name no field", "[http]") {
  CHECK(kept({{"Connection", "close"}, {"Close", "1"}}) == "Close");
}
