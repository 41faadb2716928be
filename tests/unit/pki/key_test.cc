#include "pki/key.h"

#include <catch2/catch.hpp>

#include "support/temp_folder.h"

namespace rpx::pki {
namespace {

TEST_CASE("key: every kind is made, written, and read again as the same", "[pki]") {
  const test::TempFolder folder;
  struct Row {
    KeyKind kind;
    const char* text;
  };
  for (const Row& row : {Row{KeyKind::kEcP256, "EC P-256"}, Row{KeyKind::kEcP384, "EC P-384"},
                         Row{KeyKind::kRsa2048, "RSA 2048"}, Row{KeyKind::kEd25519, "Ed25519"}}) {
    const auto key = make_key(row.kind);
    REQUIRE(key);
    CHECK(describe_key(key->get()) == row.text);
    CHECK_FALSE(is_weak(key->get()));
    for (const std::string passphrase : {"", "a secret"}) {
      const auto pem = key_pem(key->get(), passphrase);
      REQUIRE(pem);
      CHECK((pem->find("ENCRYPTED") != std::string::npos) == !passphrase.empty());
      const std::string path = folder.write("key.pem", *pem);
      const auto again = read_key(path, passphrase);
      REQUIRE(again);
      CHECK(EVP_PKEY_eq(key->get(), again->get()) == 1);
    }
  }
}

TEST_CASE("key: a wrong passphrase, none, and no key at all are told, and nobody is asked", "[pki]") {
  const test::TempFolder folder;
  const auto key = make_key(KeyKind::kEcP256);
  REQUIRE(key);
  const std::string path = folder.write("key.pem", key_pem(key->get(), "right").value());
  CHECK(read_key(path).error().detail.ends_with("one with a passphrase needs --passphrase-file"));
  CHECK(read_key(path, "wrong").error().detail.ends_with("or another passphrase"));
  CHECK(read_key(folder.write("empty", "")).error().kind == ErrorKind::kConfig);
  CHECK(read_key(folder.file("none")).error().detail.ends_with("No such file or directory"));
}

TEST_CASE("key: kinds go by their names", "[pki]") {
  for (const std::string& name : key_kind_names()) CHECK(parse_key_kind(name));
  CHECK_FALSE(parse_key_kind("dsa"));
}

}  // namespace
}  // namespace rpx::pki
