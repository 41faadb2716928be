// The first bytes of a TLS client: never read past their end, and what an earlier part already tells stays true.
#include "net/client_hello.h"
#include "fuzz.h"

using namespace rpx;
using namespace rpx::net;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::text_of(data, size);
  const auto whole = parse_client_hello(bytes);
  for (std::size_t cut = 0; cut < size; cut += 1 + size / 16) {
    const auto part = parse_client_hello(bytes.substr(0, cut));
    if (!part || !part->complete) continue;
    RPX_CHECK(whole && whole->complete);
    RPX_CHECK(whole->tls == part->tls && whole->server_name == part->server_name);
  }
  if (!whole) {
    RPX_CHECK(whole.error().kind == ErrorKind::kBadRequest);
    return 0;
  }
  RPX_CHECK(whole->complete || size < kMaxClientHello);
  RPX_CHECK(whole->tls || whole->server_name.empty());
  for (const char c : whole->server_name) RPX_CHECK(c > ' ' && c < 0x7f && !(c >= 'A' && c <= 'Z'));
  return 0;
}
