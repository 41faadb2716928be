#include <catch2/catch.hpp>

#include "support/certs.h"
#include "support/temp_folder.h"
#include "tls/certificate.h"

using namespace rpx;

namespace {

struct Files {
  tls::CertificateOptions write(const test::Pem& pem) {
    test::write_file(folder.file("c.pem"), pem.certificate);
    test::write_file(folder.file("c.key"), pem.key);
    return {folder.file("c.pem"), folder.file("c.key")};
  }
  tls::Certificate load(const test::Pem& pem) { return tls::load_certificate(write(pem), now); }
  test::TempFolder folder;
  WallTime now = std::chrono::system_clock::now();
};

}  // namespace

TEST_CASE("certificate: names come from its SANs", "[tls][rfc6125]") {
  Files files;
  const tls::Certificate one = files.load(test::make_certificate("DNS:A.Test,DNS:*.w.test,IP:127.0.0.1,IP:::1"));
  CHECK(one.problem.empty());
  CHECK(one.warning.empty());
  CHECK(one.names == std::vector<std::string>{"a.test", "*.w.test"});
  CHECK(one.addresses == std::vector<IpAddress>{*IpAddress::parse("127.0.0.1"), *IpAddress::parse("::1")});
  CHECK(one.fingerprint.size() == 64);
  CHECK(tls::subject_of(one.chain[0].get()) == "CN=test");
}

TEST_CASE("certificate: what clients will not like is a warning", "[tls]") {
  Files files;
  CHECK(files.load(test::make_certificate("DNS:a", false, -100, -50)).warning == "it has expired");
  CHECK(files.load(test::make_certificate("DNS:a", false, 50, 100)).warning == "it is not valid yet");
  CHECK(files.load(test::make_certificate("")).warning == "it names no host (it has no SAN)");
}

TEST_CASE("certificate: what cannot be served says why and keeps its names", "[tls]") {
  Files files;
  const test::Pem good = test::make_certificate("DNS:a.test");
  const test::Pem other = test::make_certificate("DNS:b.test");
  const tls::Certificate mixed = files.load({good.certificate, other.key});
  CHECK(mixed.problem.ends_with("the key does not belong to the certificate"));
  CHECK(mixed.names == std::vector<std::string>{"a.test"});
  CHECK(files.load({good.key, good.key}).problem.ends_with("no certificate in it"));
  CHECK(files.load({good.certificate, good.certificate}).problem.find("no private key") != std::string::npos);
  CHECK(files.load({"", good.key}).problem.ends_with("expected PEM"));
  const std::string cut = good.certificate.substr(0, good.certificate.size() / 2) + "!\n-----END CERTIFICATE-----\n";
  CHECK(files.load({cut, good.key}).problem.find("cannot be read") != std::string::npos);
  CHECK(tls::load_certificate({"/nowhere/a.pem", ""}, files.now).problem.find("No such file") != std::string::npos);
}
