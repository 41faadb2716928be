#include "policy/basic_auth.h"

#include <catch2/catch.hpp>

#include "support/temp_folder.h"

using namespace rpx;
using namespace rpx::policy;
using std::chrono::seconds;

namespace {

constexpr const char* kBcrypt = "$2b$04$abcdefghijklmnopqrstuujZkTwHUiJ9XdZPwKfcfDo7dMp5DjlTu";
constexpr const char* kSha512 =
    "$6$rounds=1000$saltsalt$pQWBrsgA00L1zt0NV83o5Uy3u2ESn9flfn/e0RE60Qd3XQ98aH6gvroXwANv1Mme759YpleQlaVoQ6O/meimK1";
constexpr const char* kYescrypt = "$y$j75$saltsaltsaltsalt$O9AKlg5zfBweM8p1SfgMnboT.RWgZ/1bQgDhJ4KhXp3";

const Instant kNow{seconds(1000)};

}  // namespace

TEST_CASE("passwords: bcrypt, sha512-crypt and yescrypt are verified", "[policy]") {
  const auto read =
      Passwords::parse(std::string("# people\n\nalice:") + kBcrypt + "\r\nbob:" + kSha512 + "\ncarol:" + kYescrypt);
  REQUIRE(read);
  CHECK(read->size() == 3);
  for (const char* name : {"alice", "bob", "carol"}) {
    CHECK(read->verify(name, "wonderland"));
    CHECK_FALSE(read->verify(name, "Wonderland"));
    CHECK_FALSE(read->verify(name, ""));
    CHECK_FALSE(read->verify(name, std::string("wonderland\0x", 12)));
    CHECK_FALSE(read->verify(name, std::string(600, 'a')));
  }
  CHECK_FALSE(read->verify("dave", "wonderland"));
  CHECK_FALSE(Passwords().verify("alice", "wonderland"));
}

TEST_CASE("passwords: a line that is wrong is told with its number", "[policy]") {
  const std::pair<std::string, const char*> wrong[] = {
      {"alice", "line 1: expected name:hash"},
      {":x", "line 1: expected name:hash"},
      {"#\nalice:$apr1$abcdefgh$abcdefghijklmnopqrstuv", "line 2: the hash of alice is not bcrypt"},
      {"alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "line 1: the hash of alice is not bcrypt"},
      {"alice:wonderland", "line 1: the hash of alice is not bcrypt"},
      {"alice:$2b$04$short", "line 1: the hash of alice is not bcrypt"},
      {std::string("alice:") + kBcrypt + "\nalice:" + kBcrypt, "line 2: alice is there twice"}};
  for (const auto& [text, why] : wrong) {
    const auto read = Passwords::parse(text);
    REQUIRE_FALSE(read);
    CHECK(read.error().detail.starts_with(why));
  }
}

TEST_CASE("basic auth: credentials are read as RFC 7617 has them", "[policy][rfc7617]") {
  const auto read = basic_credentials("basic QWxhZGRpbjpvcGVuIHNlc2FtZTp4");
  REQUIRE(read);
  CHECK(read->user == "Aladdin");
  CHECK(read->password == "open sesame:x");
  for (const char* value : {"", "Basic", "Basic ", "Basic QWxhZGRpbg==", "Bearer QWxhZGRpbjpvcGVu",
                            "Basic QWxh=", "BasicQWxhZGRpbjpvcGVu", "Basic YQpiOmM="})
    CHECK_FALSE(basic_credentials(value));
}

TEST_CASE("basic auth: what was right is remembered for its time, and what was wrong never", "[policy]") {
  const test::TempFolder folder;
  const auto auth = BasicAuth::open({.file = folder.write("users", std::string("alice:") + kBcrypt + "\n"),
                                     .realm = "a \"b\"",
                                     .remember = seconds(60)});
  REQUIRE(auth);
  CHECK((*auth)->challenge() == R"(Basic realm="a \"b\"", charset="UTF-8")");
  const Credentials good{"alice", "wonderland"};
  const Credentials bad{"alice", "wonder"};
  CHECK_FALSE((*auth)->remembers(good, kNow));
  CHECK((*auth)->verify(good, kNow));
  CHECK((*auth)->remembers(good, kNow + seconds(59)));
  CHECK_FALSE((*auth)->remembers(good, kNow + seconds(60)));
  CHECK_FALSE((*auth)->verify(bad, kNow));
  CHECK_FALSE((*auth)->remembers(bad, kNow));
  // The same bytes split elsewhere are other credentials.
  CHECK_FALSE((*auth)->remembers({"alice:wonder", "land"}, kNow));
}

TEST_CASE("basic auth: a file that has changed is read again, and nothing older is remembered", "[policy]") {
  const test::TempFolder folder;
  const std::string path = folder.write("users", std::string("alice:") + kBcrypt + "\n");
  const auto auth = BasicAuth::open({.file = path});
  REQUIRE(auth);
  const Credentials alice{"alice", "wonderland"};
  REQUIRE((*auth)->verify(alice, kNow));
  (*auth)->look(kNow);
  CHECK((*auth)->remembers(alice, kNow));
  folder.write("users", std::string("bob:") + kSha512 + "\n");
  (*auth)->look(kNow);
  CHECK_FALSE((*auth)->remembers(alice, kNow));
  CHECK_FALSE((*auth)->verify(alice, kNow));
  CHECK((*auth)->verify({"bob", "wonderland"}, kNow));
  // One that is wrong changes nothing, and is an error of a reload.
  folder.write("users", "nonsense");
  (*auth)->look(kNow);
  CHECK((*auth)->remembers({"bob", "wonderland"}, kNow));
  CHECK_FALSE(BasicAuth::open({.file = path}));
  CHECK_FALSE(BasicAuth::open({.file = folder.file("none")}));
}

TEST_CASE("credential memory: it is bounded, and other generations are others", "[policy]") {
  CredentialMemory memory;
  const auto mark = [&memory](int i) { return memory.mark_of(1, std::to_string(i)); };
  for (int i = 0; i < 20'000; ++i) memory.add(mark(i), kNow + seconds(i));
  std::size_t held = 0;
  for (int i = 0; i < 20'000; ++i) held += memory.holds(mark(i), kNow) ? 1 : 0;
  CHECK(held <= CredentialMemory::kSets * CredentialMemory::kWays);
  CHECK(memory.holds(mark(19'999), kNow));
  CHECK_FALSE(memory.holds(memory.mark_of(2, "19999"), kNow));
}
