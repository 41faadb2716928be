#include "http/forwarded.h"

#include "parsed.h"

using namespace rpx;
using namespace rpx::http;
using namespace rpx::http::test;

namespace {

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

const std::vector<IpPrefix> kTrusted{*IpPrefix::parse("10.0.0.0/8"), *IpPrefix::parse("fd00::/8")};

struct Facts {
  std::string client;
  std::string scheme;
  std::string host;
  bool operator==(const Facts&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Facts& facts) {
  return out << facts.client << ' ' << facts.scheme << ' ' << facts.host;
}

Facts facts_of(std::string_view fields, std::string_view peer = "10.0.0.1", bool tls = false) {
  const ParsedRequest request(get(fields));
  REQUIRE_FALSE(request.refused());
  const ClientFacts facts = client_facts(request.head, ip(peer), tls, kTrusted);
  CHECK(facts.peer_is_trusted == contains(kTrusted, ip(peer)));
  return {facts.client.to_string(), std::string(facts.scheme), std::string(facts.host)};
}

/// The fields written for the next hop, one a line.
std::string written(std::string_view fields, std::string_view peer, bool unix_peer = false) {
  ParsedRequest request(get(fields));
  REQUIRE_FALSE(request.refused());
  Headers out = request.head.headers;
  const ClientFacts facts = client_facts(request.head, ip(peer), false, kTrusted);
  add_forwarding_fields(request.head, facts, ip(peer), unix_peer, request.arena, out);
  std::string text;
  for (const Field& field : out)
    if (field.id != FieldId::kHost) text += std::string(field.name) + ": " + std::string(field.value) + "\n";
  return text;
}

}  // namespace

TEST_CASE("forwarded: a peer that is not trusted is the client, whatever it says", "[http]") {
  CHECK(facts_of("X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b.test\r\nForwarded: "
                 "for=2.2.2.2\r\n",
                 "9.9.9.9") == Facts{"9.9.9.9", "http", "a.test"});
  CHECK(facts_of("", "9.9.9.9", true) == Facts{"9.9.9.9", "https", "a.test"});
}

TEST_CASE("forwarded: X-Forwarded-For is walked from the right past trusted proxies", "[http]") {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"1.1.1.1", "1.1.1.1"},
      {"6.6.6.6, 1.1.1.1", "1.1.1.1"},
      {"6.6.6.6, 1.1.1.1, 10.2.2.2", "1.1.1.1"},
      {"6.6.6.6,1.1.1.1 ,10.2.2.2,10.3.3.3", "1.1.1.1"},
      {"10.9.9.9, 10.2.2.2", "10.9.9.9"},
      {"1.1.1.1:1234", "1.1.1.1"},
      {"[2001:db8::1]:1234", "2001:db8::1"},
      {"[2001:db8::1]", "2001:db8::1"},
      {"2001:db8::1", "2001:db8::1"},
      {"1.1.1.1, fd00::5", "1.1.1.1"},
      {"1.1.1.1, ,", "1.1.1.1"},
      // A malformed entry ends the walk at the last good one.
      {"1.1.1.1, nonsense, 10.2.2.2", "10.2.2.2"},
      {"1.1.1.1, nonsense", "10.0.0.1"},
      {"1.1.1.1:", "10.0.0.1"},
      {"[1.1.1.1]", "10.0.0.1"},
      {"unix", "10.0.0.1"},
      {"", "10.0.0.1"},
  };
  for (const auto& [value, client] : rows) {
    INFO(value);
    CHECK(facts_of("X-Forwarded-For: " + std::string(value) + "\r\n").client == client);
  }
  CHECK(facts_of("X-Forwarded-For: 6.6.6.6, 1.1.1.1\r\nX-Forwarded-For: 10.2.2.2\r\n").client == "1.1.1.1");
}

TEST_CASE("forwarded: scheme and host are what the trusted peer wrote last", "[http]") {
  CHECK(facts_of("X-Forwarded-Proto: HTTPS\r\nX-Forwarded-Host: B.test:81\r\n") ==
        Facts{"10.0.0.1", "https", "B.test:81"});
  CHECK(facts_of("X-Forwarded-Proto: https, http\r\n").scheme == "http");
  CHECK(facts_of("X-Forwarded-Proto: gopher\r\n").scheme == "http");
  CHECK(facts_of("X-Forwarded-Host: b.test/x\r\n").host == "a.test");
}

TEST_CASE("forwarded: Forwarded counts where X-Forwarded-For is absent", "[http][rfc7239-4]") {
  struct Row {
    std::string_view value;
    Facts facts;
  };
  for (const Row& row : {
           Row{"for=1.1.1.1", {"1.1.1.1", "http", "a.test"}},
           Row{"For=\"1.1.1.1:80\";proto=https;Host=b.test", {"1.1.1.1", "https", "b.test"}},
           Row{"for=\"[2001:db8::1]:4711\" ; host=\"b.test:81\"", {"2001:db8::1", "http", "b.test:81"}},
           Row{"for=6.6.6.6, for=1.1.1.1;proto=https, for=10.2.2.2;proto=http", {"1.1.1.1", "https", "a.test"}},
           Row{"for=1.1.1.1, for=unknown;proto=https", {"10.0.0.1", "https", "a.test"}},
           Row{"for=1.1.1.1, for=_hidden, for=10.2.2.2", {"10.2.2.2", "http", "a.test"}},
           Row{"for=1.1.1.1;x=\"a;b\";proto=https", {"1.1.1.1", "https", "a.test"}},
           Row{"for=1.1.1.1;proto=ftp;host=\"b/c\"", {"1.1.1.1", "http", "a.test"}},
           Row{"garbage", {"10.0.0.1", "http", "a.test"}},
           Row{"for=\"1.1.1.1", {"10.0.0.1", "http", "a.test"}},
           // An open quote from the client does not swallow what the proxy wrote.
           Row{"for=\", for=1.1.1.1", {"1.1.1.1", "http", "a.test"}},
       }) {
    INFO(row.value);
    CHECK(facts_of("Forwarded: " + std::string(row.value) + "\r\n") == row.facts);
  }
  CHECK(facts_of("Forwarded: for=2.2.2.2\r\nX-Forwarded-For: 1.1.1.1\r\n").client == "1.1.1.1");
}

TEST_CASE("forwarded: what a stranger says of itself is replaced", "[http]") {
  CHECK(written("X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b.test\r\nForwarded: "
                "for=6.6.6.6\r\n"
                "X-Real-IP: 6.6.6.6\r\nX-Forwarded-Port: 443\r\nX-Other: 1\r\n",
                "9.9.9.9") ==
        "X-Other: 1\nForwarded: for=9.9.9.9;host=\"a.test\";proto=http\nX-Forwarded-For: 9.9.9.9\nX-Forwarded-Proto: "
        "http\n"
        "X-Forwarded-Host: a.test\n");
}

TEST_CASE("forwarded: what a trusted proxy says is extended", "[http][rfc7239-4]") {
  CHECK(written("X-Forwarded-For: 6.6.6.6, 1.1.1.1\r\nX-Forwarded-For: 10.2.2.2\r\nX-Forwarded-Proto: "
                "https\r\nX-Real-IP: 1.1.1.1\r\n"
                "Forwarded: for=1.1.1.1\r\nForwarded: for=10.2.2.2\r\n",
                "10.0.0.1") ==
        "X-Real-IP: 1.1.1.1\nForwarded: for=1.1.1.1, for=10.2.2.2, for=10.0.0.1;host=\"a.test\";proto=https\n"
        "X-Forwarded-For: 6.6.6.6, 1.1.1.1, 10.2.2.2, 10.0.0.1\nX-Forwarded-Proto: https\nX-Forwarded-Host: a.test\n");
}

TEST_CASE("forwarded: a client known from one field is told in both", "[http]") {
  CHECK(written("X-Forwarded-For: 2001:db8::1\r\n", "fd00::1") ==
        "Forwarded: for=\"[2001:db8::1]\", for=\"[fd00::1]\";host=\"a.test\";proto=http\nX-Forwarded-For: 2001:db8::1, "
        "fd00::1\n"
        "X-Forwarded-Proto: http\nX-Forwarded-Host: a.test\n");
  CHECK(written("Forwarded: for=1.1.1.1;proto=https\r\n", "10.0.0.1") ==
        "Forwarded: for=1.1.1.1;proto=https, for=10.0.0.1;host=\"a.test\";proto=https\nX-Forwarded-For: 1.1.1.1, "
        "10.0.0.1\n"
        "X-Forwarded-Proto: https\nX-Forwarded-Host: a.test\n");
}

TEST_CASE("forwarded: a peer on a Unix socket has no address to tell", "[http]") {
  CHECK(written("", "9.9.9.9", true) ==
        "Forwarded: for=unknown;host=\"a.test\";proto=http\nX-Forwarded-For: unix\nX-Forwarded-Proto: "
        "http\nX-Forwarded-Host: a.test\n");
}

TEST_CASE("forwarded: a request without a host names none", "[http]") {
  ParsedRequest request("GET /x HTTP/1.0\r\n\r\n");
  Headers out;
  add_forwarding_fields(request.head, client_facts(request.head, ip("9.9.9.9"), true, {}), ip("9.9.9.9"), false,
                        request.arena, out);
  CHECK(out.value(FieldId::kForwarded) == "for=9.9.9.9;proto=https");
  CHECK_FALSE(out.has(FieldId::kXForwardedHost));
}
