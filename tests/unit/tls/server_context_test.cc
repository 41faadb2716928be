#include <catch2/catch.hpp>

#include "base/log.h"
#include "support/certs.h"
#include "support/temp_folder.h"
#include "tls/server_context.h"

using namespace rpx;

namespace {

// Certificates in files, and handshakes in memory.
struct Shop {
  Shop() {
    set_log_sink([](LogLevel, std::string_view, std::initializer_list<LogField>) {}, LogLevel::kError);
  }
  void add(const std::string& name, const test::Pem& pem) {
    test::write_file(folder.file(name + ".pem"), pem.certificate);
    test::write_file(folder.file(name + ".key"), pem.key);
    certificates.push_back({folder.file(name + ".pem"), folder.file(name + ".key")});
    prints.push_back(tls::load_certificate(certificates.back(), std::chrono::system_clock::now()).fingerprint);
  }
  void build() { contexts = tls::ServerContexts::build(options, certificates, contexts.get()).value(); }

  // Index of the certificate that a client asking for `name` gets; -1 for a refused handshake.
  int served(const char* name, const char* ciphers = nullptr) {
    const tls::SslContextPtr context(SSL_CTX_new(TLS_client_method()));
    if (ciphers) SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
    if (ciphers) SSL_CTX_set_cipher_list(context.get(), ciphers);
    const tls::SslPtr client(SSL_new(context.get()));
    const tls::SslPtr server = contexts->make();
    SSL_set_connect_state(client.get());
    if (name) SSL_set_tlsext_host_name(client.get(), name);
    BIO* up = nullptr;
    BIO* down = nullptr;
    BIO_new_bio_pair(&up, 0, &down, 0);
    SSL_set_bio(client.get(), up, up);
    SSL_set_bio(server.get(), down, down);
    for (int i = 0; i < 10 && (SSL_is_init_finished(client.get()) == 0 || SSL_is_init_finished(server.get()) == 0);
         ++i) {
      SSL_do_handshake(client.get());
      SSL_do_handshake(server.get());
    }
    (void)tls::take_openssl_error();
    const X509* leaf = SSL_is_init_finished(server.get()) == 1 ? SSL_get0_peer_certificate(client.get()) : nullptr;
    if (!leaf) return -1;
    const auto at = std::ranges::find(prints, tls::fingerprint_of(leaf));
    return static_cast<int>(at - prints.begin());
  }

  test::TempFolder folder;
  tls::TlsOptions options;
  std::vector<tls::CertificateOptions> certificates;
  std::vector<std::string> prints;
  std::shared_ptr<const tls::ServerContexts> contexts;
};

}  // namespace

TEST_CASE("server context: the certificate follows the name", "[tls][rfc6066-3]") {
  Shop shop;
  shop.add("a", test::make_certificate("DNS:a.test,DNS:*.w.test,DNS:x.both.test"));
  shop.add("b", test::make_certificate("DNS:b.test,DNS:*.both.test"));
  shop.add("ip", test::make_certificate("IP:192.0.2.7"));
  shop.build();
  const std::pair<const char*, int> rows[] = {{"a.test", 0},  {"A.TEST", 0},      {"x.w.test", 0},    {"w.test", 0},
                                              {"b.test", 1},  {"y.both.test", 1}, {"x.both.test", 0}, {"q.x.w.test", 0},
                                              {"b.test.", 1}, {"none.test", 0},   {nullptr, 0},       {"192.0.2.7", 2}};
  for (const auto& [name, expected] : rows) {
    INFO((name ? name : "none"));
    CHECK(shop.served(name) == expected);
  }
}

TEST_CASE("server context: two kinds of keys serve one name", "[tls]") {
  Shop shop;
  shop.add("ec", test::make_certificate("DNS:a.test"));
  shop.add("rsa", test::make_certificate("DNS:a.test", true));
  shop.build();
  CHECK(shop.served("a.test") == 0);
  CHECK(shop.served("a.test", "ECDHE-RSA-AES128-GCM-SHA256") == 1);
  CHECK(shop.served(nullptr, "ECDHE-RSA-AES128-GCM-SHA256") == 1);
}

TEST_CASE("server context: a certificate that cannot be used takes only its own names with it", "[tls]") {
  Shop shop;
  const test::Pem good = test::make_certificate("DNS:bad.test,DNS:shared.test");
  shop.add("bad", {good.certificate, test::make_certificate("").key});
  shop.add("good", test::make_certificate("DNS:good.test,DNS:shared.test"));
  shop.build();
  CHECK(shop.contexts->unusable() == 1);
  CHECK(shop.contexts->usable() == 1);
  CHECK(shop.served("bad.test") == -1);
  CHECK(shop.served("shared.test") == 1);
  CHECK(shop.served("else.test") == 1);
  shop.certificates.resize(1);
  shop.build();
  CHECK(shop.served("else.test") == -1);
}

TEST_CASE("server context: ciphers and files that are wrong are errors", "[tls]") {
  Shop shop;
  shop.options.ciphers = "NOTHING";
  CHECK_FALSE(tls::ServerContexts::build(shop.options, {}, nullptr));
  shop.options.ciphers = "ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_256_GCM_SHA384";
  CHECK(tls::ServerContexts::build(shop.options, {}, nullptr));
  shop.options.client_verify = "required";
  shop.options.client_ca = "/nowhere";
  CHECK_FALSE(tls::ServerContexts::build(shop.options, {}, nullptr));
}

TEST_CASE("server context: ticket keys outlive a reload unless their rotation changes", "[tls]") {
  Shop shop;
  shop.build();
  const tls::TicketKeys* keys = &shop.contexts->tickets();
  shop.build();
  CHECK(&shop.contexts->tickets() == keys);
  shop.options.ticket_rotation = std::chrono::hours(1);
  const auto next = tls::ServerContexts::build(shop.options, {}, shop.contexts.get());
  CHECK(&(*next)->tickets() != keys);
}
