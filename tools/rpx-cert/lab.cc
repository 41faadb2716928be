// lab: a folder of certificates, each bad in one way, for tests of clients and of proxies.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <memory>

#include "base/result.h"
#include "chains.h"
#include "pki/facts.h"
#include "pki/revocation.h"
#include "verbs.h"
#include "writing.h"

namespace rpx::cert {
namespace {

constexpr Duration kDay = std::chrono::hours(24);

struct LabOptions {
  std::string folder;
  std::string responder;
  bool force = false;
};

struct Authority {
  tls::KeyPtr key;
  tls::X509Ptr certificate;
  pki::Issuer issuer() const { return {certificate.get(), key.get()}; }
};

Result<Authority> make_authority(const std::string& name) {
  Authority out;
  pki::Wanted wanted = wanted_of({}, std::nullopt, 3650 * kDay);
  wanted.authority = true;
  wanted.common_name = name;
  RPX_TRY(out.key, pki::make_key(pki::KeyKind::kEcP256));
  RPX_TRY(out.certificate, pki::make_certificate(out.key.get(), wanted, nullptr));
  return out;
}

// One row of the lab: what is written as NAME.pem and NAME.key.
struct Specimen {
  const char* name;
  const char* what;
  const char* host = "lab.test";
  Duration from = -kDay;  ///< from now
  Duration life = 90 * kDay;
};
constexpr Specimen kSpecimens[] = {
    {"good", "nothing is wrong with it, for lab.test"},
    {"expired", "it ended yesterday", "lab.test", -91 * kDay, 90 * kDay},
    {"expiring", "it ends in two days", "lab.test", -88 * kDay},
    {"not-yet-valid", "it begins in a month", "lab.test", 30 * kDay, 90 * kDay},
    {"wrong-name", "it is for other.test", "other.test"},
    {"wrong-chain", "behind it stands an authority that did not sign it"},
    {"mismatched-key", "the key beside it belongs to another"},
    {"weak-key", "RSA of 1024 bits"},
    {"self-signed", "signed by itself"},
    {"unknown-authority", "signed by an authority that nobody trusts"},
    {"revoked", "its authority has taken it back, as revoked.crl and revoked.ocsp say"},
};

Result<tls::KeyPtr> key_for(std::string_view name) {
  if (name != "weak-key") return pki::make_key(pki::KeyKind::kEcP256);
  tls::KeyPtr weak(EVP_RSA_gen(1024));
  if (!weak) return self_error(ErrorKind::kInternal, tls::take_openssl_error());
  return weak;
}

// That it is revoked stands in no certificate: the authority's list says it, the answer of its responder, and the index
// that `openssl ocsp` answers from.
Status write_revocation(const LabOptions& options, const Authority& authority, X509* certificate) {
  const WallTime now = std::chrono::system_clock::now();
  const WallTime at = now - std::chrono::hours(1);
  const pki::Revoked revoked{.certificate = certificate, .at = at};
  RPX_TRY(const std::string list, pki::make_crl(authority.issuer(), {&revoked, 1}, at, 90 * kDay));
  RPX_TRY(const std::string answer,
          pki::make_ocsp_response(authority.issuer(), certificate, pki::OcspStatus::kRevoked, at, 90 * kDay, at));
  const pki::CertificateFacts facts = pki::facts_of(certificate);
  const auto short_time = [](WallTime time) {
    // 2026-01-02T03:04:05… as 260102030405Z
    std::string digits;
    for (const char c : format_rfc3339(time).substr(2, 17))
      if (c >= '0' && c <= '9') digits += c;
    return digits + "Z";
  };
  std::string serial = facts.serial;
  std::ranges::transform(serial, serial.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
  const std::string index =
      fmt::format("R\t{}\t{}\t{}\tunknown\t/CN=lab.test\n", short_time(facts.until), short_time(at), serial);
  RPX_TRY_VOID(write_public(options.folder + "/revoked.crl", list, options.force));
  RPX_TRY_VOID(write_public(options.folder + "/revoked.ocsp", answer, options.force));
  return write_public(options.folder + "/index.txt", index, options.force);
}

Status write_specimen(const LabOptions& options, const Specimen& one, const Authority& trusted,
                      const Authority& other) {
  const std::string_view name = one.name;
  pki::Wanted wanted;
  wanted.names = {one.host};
  wanted.from = std::chrono::system_clock::now() + std::chrono::duration_cast<WallTime::duration>(one.from);
  wanted.life = one.life;
  wanted.responder = options.responder;
  RPX_TRY(tls::KeyPtr key, key_for(name));
  const pki::Issuer issuer = name == "unknown-authority" ? other.issuer() : trusted.issuer();
  RPX_TRY(const tls::X509Ptr certificate,
          pki::make_certificate(key.get(), wanted, name == "self-signed" ? nullptr : &issuer));
  std::string pem = pki::pem_of(certificate.get());
  if (name == "wrong-chain") pem += pki::pem_of(other.certificate.get());
  if (name == "mismatched-key") {
    RPX_TRY(key, pki::make_key(pki::KeyKind::kEcP256));
  }
  RPX_TRY(const std::string secret, pki::key_pem(key.get()));
  const std::string stem = fmt::format("{}/{}", options.folder, name);
  if (name == "revoked") RPX_TRY_VOID(write_revocation(options, trusted, certificate.get()));
  RPX_TRY_VOID(write_secret(stem + ".key", secret, options.force));
  return write_public(stem + ".pem", pem, options.force);
}

Result<int> lab(const LabOptions& options, const cli::Common& common) {
  std::error_code failed;
  std::filesystem::create_directories(options.folder, failed);
  if (failed) return self_error(ErrorKind::kIo, fmt::format("{}: {}", options.folder, failed.message()));
  RPX_TRY(const Authority trusted, make_authority("rpx lab CA"));
  RPX_TRY(const Authority other, make_authority("rpx lab CA that nobody trusts"));
  RPX_TRY_VOID(write_public(options.folder + "/ca.pem", pki::pem_of(trusted.certificate.get()), options.force));
  RPX_TRY(const std::string secret, pki::key_pem(trusted.key.get()));
  RPX_TRY_VOID(write_secret(options.folder + "/ca.key", secret, options.force));
  cli::Records records({{"file"}, {"what"}});
  records.add({options.folder + "/ca.pem", "the authority that the others are held against"});
  for (const Specimen& one : kSpecimens) {
    RPX_TRY_VOID(write_specimen(options, one, trusted, other));
    records.add({fmt::format("{}/{}.pem", options.folder, one.name), one.what});
  }
  print(records, common);
  return 0;
}

}  // namespace

void add_lab(cli::App& app) {
  auto options = std::make_shared<LabOptions>();
  app.verb("lab", "write a set of certificates that are bad on purpose, for tests")
      .example("rpx-cert lab bad && rpx-cert check --ca bad/ca.pem --name lab.test bad/*.pem", "each is found out")
      .option("--responder", "URL", &options->responder, "the responder (OCSP) that the certificates name")
      .flag("--force", options->force, "replace files that are there")
      .operand("DIR", &options->folder, "where to", true)
      .action([options](const cli::Common& common) {
        const Result<int> done = lab(*options, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::cert
