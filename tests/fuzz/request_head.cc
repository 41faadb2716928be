// Request heads: whatever is accepted holds nothing that could be read two ways, and is read the same again when
// written.
#include <string>

#include "fuzz.h"
#include "http/h1_parse.h"
#include "http/h1_write.h"
#include "http/hop_by_hop.h"

using namespace rpx;
using namespace rpx::http;

namespace {

constexpr std::string_view kUnused = "GET /next HTTP/1.1\r\n";

void check_head(const RequestHead& head) {
  RPX_CHECK(head.target.path == "*" || head.target.path.starts_with('/'));
  RPX_CHECK(head.target.query.empty() || head.target.query.starts_with('?'));
  RPX_CHECK(head.target.authority.starts_with(head.target.host));
  RPX_CHECK(!head.target.host.empty() || head.minor_version == 0);
  for (const std::string_view text :
       {head.method_name, head.target.path, head.target.lax_path, head.target.query, head.target.authority})
    RPX_CHECK(!fuzz::breaks_lines(text) && text.find(' ') == std::string_view::npos);
  std::size_t framings = 0;
  for (const Field& field : head.headers) {
    RPX_CHECK(!field.name.empty() && !fuzz::breaks_lines(field.name) && !fuzz::breaks_lines(field.value));
    RPX_CHECK(field.name.find_first_of(" \t:") == std::string_view::npos);
    RPX_CHECK(field.id == field_id(field.name));
    framings += field.id == FieldId::kContentLength || field.id == FieldId::kTransferEncoding;
  }
  RPX_CHECK(framings == (head.framing == Framing::kNone ? 0 : 1));
  RPX_CHECK(head.framing != Framing::kChunked || head.minor_version == 1);
  RPX_CHECK(!head.wants_upgrade || head.framing != Framing::kChunked);
}

/// Writes the head as it would travel on and reads it back.
void check_next_hop(const RequestHead& head, const Limits& limits) {
  Headers headers;
  copy_end_to_end(head.headers, headers);
  headers.remove(FieldId::kHost);
  const std::string length = std::to_string(head.content_length);
  headers.add("Host", head.target.authority.empty() ? "origin" : head.target.authority);
  if (head.framing == Framing::kLength) headers.add("Content-Length", length);
  if (head.framing == Framing::kChunked) headers.add("Transfer-Encoding", "chunked");
  std::string bytes;
  write_request_head(bytes, head.method_name, head.target.path, head.target.query, headers);
  Limits wider = limits;
  wider.header_bytes *= 4;
  wider.uri_bytes *= 4;
  wider.headers += 2;
  Arena arena;
  RequestHead again;
  const auto read = parse_request_head(bytes, wider, arena, again);
  RPX_CHECK(read && *read == bytes.size());
  RPX_CHECK(again.method_name == head.method_name);
  RPX_CHECK(again.target.path == head.target.path && again.target.query == head.target.query);
  RPX_CHECK(again.target.lax_path == head.target.lax_path);
  RPX_CHECK(head.target.authority.empty() || again.target.authority == head.target.authority);
  RPX_CHECK(again.framing == head.framing && again.content_length == head.content_length);
  RPX_CHECK(!again.wants_upgrade && again.keep_alive);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::text_of(data, size);
  const Limits limits{.header_bytes = 2048, .headers = 20, .uri_bytes = 512};
  Arena arena;
  RequestHead head;
  const auto read = parse_request_head(bytes, limits, arena, head);
  if (!read) {
    RPX_CHECK(read.error().side == Side::kClient && facts_of(read.error().kind).status >= 400);
    return 0;
  }
  RequestHead other;
  if (*read == 0) {
    // Nothing that is still open may be refused when less of it has come.
    if (!bytes.empty()) RPX_CHECK(parse_request_head(bytes.substr(0, size / 2), limits, arena, other) == 0U);
    return 0;
  }
  RPX_CHECK(*read <= size);
  check_head(head);
  check_next_hop(head, limits);
  for (std::size_t cut = 1; cut < *read; cut += 1 + *read / 16)
    RPX_CHECK(parse_request_head(bytes.substr(0, *read - cut), limits, arena, other) == 0U);
  const std::string longer = std::string(bytes.substr(0, *read)) + std::string(kUnused);
  RPX_CHECK(parse_request_head(longer, limits, arena, other) == *read);
  return 0;
}
