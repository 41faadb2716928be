// Forwarding fields: the input is what a peer sends, its first byte says whether the peer is trusted. Whoever trusts us
// must come to the same client as we do, and a stranger must not be able to invent one.
#include <string>

#include "fuzz.h"
#include "http/forwarded.h"
#include "http/h1_parse.h"
#include "http/h1_write.h"

using namespace rpx;
using namespace rpx::http;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::vector<IpPrefix> trusted{*IpPrefix::parse("10.0.0.0/8"), *IpPrefix::parse("fd00::/8")};
  const bool is_trusted = (data[0] & 1) != 0;
  const IpAddress peer = *IpAddress::parse(is_trusted ? "10.0.0.1" : "9.9.9.9");
  const IpAddress ours = *IpAddress::parse("10.0.0.2");
  const std::string bytes =
      "GET / HTTP/1.1\r\nHost: a.test\r\n" + std::string(fuzz::text_of(data + 1, size - 1)) + "\r\n\r\n";

  Arena arena;
  RequestHead head;
  const auto read = parse_request_head(bytes, {}, arena, head);
  if (!read || *read == 0) return 0;
  const ClientFacts facts = client_facts(head, peer, false, trusted);
  RPX_CHECK(facts.peer_is_trusted == is_trusted);
  RPX_CHECK(is_trusted || (facts.client == peer && facts.scheme == "http" && facts.host == "a.test"));

  Headers out = head.headers;
  add_forwarding_fields(head, facts, peer, false, arena, out);
  std::string next;
  write_request_head(next, "GET", "/", {}, out);
  RequestHead received;
  Limits wider;
  wider.headers += 10;
  wider.header_bytes *= 4;
  const auto taken = parse_request_head(next, wider, arena, received);
  RPX_CHECK(taken && *taken == next.size());
  const ClientFacts told = client_facts(received, ours, false, trusted);
  RPX_CHECK(told.client == facts.client);
  RPX_CHECK(told.scheme == facts.scheme);
  RPX_CHECK(told.host == facts.host);

  // The other language of the two must say the same of a stranger.
  received.headers.remove(FieldId::kXForwardedFor);
  const ClientFacts retold = client_facts(received, ours, false, trusted);
  RPX_CHECK(is_trusted || (retold.client == peer && retold.scheme == "http" && retold.host == "a.test"));
  return 0;
}
