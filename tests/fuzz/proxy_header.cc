// PROXY headers: taken whole or not at all, never past their end, and no earlier part of one is refused.
#include <algorithm>

#include "fuzz.h"
#include "net/proxy_protocol.h"

using namespace rpx;
using namespace rpx::net;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::text_of(data, size);
  const auto header = parse_proxy_header(bytes);
  if (!header) {
    RPX_CHECK(header.error().kind == ErrorKind::kBadRequest);
    return 0;
  }
  RPX_CHECK(header->consumed <= std::min(size, kMaxProxyHeader));
  RPX_CHECK(header->consumed > 0 || size < kMaxProxyHeader);
  RPX_CHECK(header->source.has_value() == header->destination.has_value());
  RPX_CHECK(header->consumed > 0 || !header->source);
  const std::size_t open = header->consumed > 0 ? header->consumed - 1 : size / 2;
  for (std::size_t cut = 0; cut <= open; cut += 1 + open / 16) {
    const auto part = parse_proxy_header(bytes.substr(0, open - cut));
    RPX_CHECK(part && part->consumed == 0);
  }
  if (header->consumed > 0) {
    const auto exact = parse_proxy_header(bytes.substr(0, header->consumed));
    RPX_CHECK(exact && exact->consumed == header->consumed && exact->source == header->source);
  }
  return 0;
}
