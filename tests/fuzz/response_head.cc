// Response heads: the first byte of the input chooses the method of the request, the rest is the head.
#include <array>
#include <string>

#include "fuzz.h"
#include "http/h1_parse.h"
#include "http/h1_write.h"
#include "http/hop_by_hop.h"

using namespace rpx;
using namespace rpx::http;

namespace {

void check_head(const ResponseHead& head, Method method) {
  RPX_CHECK(head.status >= 100 && head.status <= 999);
  RPX_CHECK(!fuzz::breaks_lines(head.reason));
  for (const Field& field : head.headers) {
    RPX_CHECK(!field.name.empty() && !fuzz::breaks_lines(field.name) && !fuzz::breaks_lines(field.value));
    RPX_CHECK(field.id == field_id(field.name));
  }
  const bool bodiless = head.status < 200 || head.status == 204 || head.status == 304 || method == Method::kHead;
  RPX_CHECK(bodiless == (head.framing == Framing::kNone));
  RPX_CHECK(head.framing != Framing::kClose || !head.keep_alive);
}

/// Writes the head as it would travel on and reads it back.
void check_next_hop(const ResponseHead& head, Method method, const Limits& limits) {
  Headers headers;
  copy_end_to_end(head.headers, headers);
  const std::string length = std::to_string(head.content_length);
  if (head.framing == Framing::kLength) headers.add("Content-Length", length);
  if (head.framing == Framing::kChunked) headers.add("Transfer-Encoding", "chunked");
  std::string bytes;
  write_response_head(bytes, head.status, head.reason, headers);
  Limits wider = limits;
  wider.header_bytes *= 4;
  wider.headers += 1;
  ResponseHead again;
  const auto read = parse_response_head(bytes, wider, method, again);
  RPX_CHECK(read && *read == bytes.size());
  RPX_CHECK(again.status == head.status);
  RPX_CHECK(again.framing == head.framing);
  RPX_CHECK(head.framing != Framing::kLength || again.content_length == head.content_length);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::array kMethods{Method::kGet, Method::kHead, Method::kPost, Method::kOptions};
  const Method method = kMethods[data[0] % kMethods.size()];
  const std::string_view bytes = fuzz::text_of(data + 1, size - 1);
  const Limits limits{.header_bytes = 2048, .headers = 20};
  ResponseHead head;
  const auto read = parse_response_head(bytes, limits, method, head);
  if (!read) {
    RPX_CHECK(read.error().side == Side::kUpstream);
    return 0;
  }
  ResponseHead other;
  if (*read == 0) {
    RPX_CHECK(parse_response_head(bytes.substr(0, bytes.size() / 2), limits, method, other) == 0U);
    return 0;
  }
  RPX_CHECK(*read <= bytes.size());
  check_head(head, method);
  check_next_hop(head, method, limits);
  for (std::size_t cut = 1; cut < *read; cut += 1 + *read / 16)
    RPX_CHECK(parse_response_head(bytes.substr(0, *read - cut), limits, method, other) == 0U);
  return 0;
}
