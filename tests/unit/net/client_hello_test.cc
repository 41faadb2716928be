#include "net/client_hello.h"

#include <catch2/catch.hpp>

using namespace rpx;
using namespace rpx::net;
using namespace std::string_literals;

namespace {

std::string sized(std::size_t width, const std::string& bytes) {
  std::string out;
  for (std::size_t i = width; i-- > 0;) out += static_cast<char>(bytes.size() >> (8 * i));
  return out + bytes;
}

std::string name_extension(const std::string& name) { return "\0\0"s + sized(2, sized(2, "\0"s + sized(2, name))); }

std::string hello(const std::string& extensions) {
  const std::string body = "\3\3" + std::string(32, 'r') + sized(1, "session") + sized(2, "\x13\x01") +
                           sized(1, "\0"s) + sized(2, extensions);
  return "\1" + sized(3, body);
}

std::string records_of(const std::string& handshake, std::size_t each = 16'384) {
  std::string out;
  for (std::size_t at = 0; at < handshake.size(); at += each) out += "\x16\3\1" + sized(2, handshake.substr(at, each));
  return out;
}

/// The name, or "more", "none", "plain" (no TLS) or "refused".
std::string asked(const std::string& bytes) {
  const auto read = parse_client_hello(bytes);
  if (!read) {
    CHECK(read.error().kind == ErrorKind::kBadRequest);
    return "refused";
  }
  if (!read->complete) return "more";
  if (!read->tls) return "plain";
  return read->server_name.empty() ? "none" : read->server_name;
}

const std::string kOther = "\0\x2b"s + sized(2, "\2\3\4");

}  // namespace

TEST_CASE("client_hello: the name a client asks for is read, in lower case", "[net]") {
  CHECK(asked(records_of(hello(kOther + name_extension("Db.Example")))) == "db.example");
  CHECK(asked(records_of(hello(kOther))) == "none");
  CHECK(asked(records_of(hello(""))) == "none");
  CHECK(asked(records_of(hello(name_extension("a.test"))) + "what follows") == "a.test");
}

TEST_CASE("client_hello: it may come in pieces and over many records", "[net]") {
  const std::string whole = records_of(hello(kOther + name_extension("a.test")), 7);
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK(asked(whole.substr(0, size)) == "more");
  CHECK(asked(whole) == "a.test");
}

TEST_CASE("client_hello: what is not TLS is told at its first byte", "[net]") {
  CHECK(asked("G") == "plain");
  CHECK(asked("\x16\2") == "plain");
  CHECK(asked("SSH-2.0-x\r\n") == "plain");
  CHECK(asked(records_of("\2" + sized(3, "a ServerHello"))) == "plain");
}

TEST_CASE("client_hello: lengths that do not fit are refused", "[net]") {
  std::string lying = records_of(hello(name_extension("a.test")));
  lying[5 + 4 + 2 + 32] = '\x7f';  // the session is longer than all of it
  CHECK(asked(lying) == "refused");
  CHECK(asked(records_of("\1\xff\xff\xff")) == "refused");
  CHECK(asked(records_of(hello(name_extension("a b")))) == "refused");
  CHECK(asked(records_of(hello(name_extension("")))) == "refused");
  CHECK(asked(records_of(hello("\0\0"s + sized(2, sized(2, "\0\0\x09x"s))))) == "refused");
}
