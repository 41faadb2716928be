// ca init and ca issue: an authority for development and tests.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "cli/terminal.h"
#include "tls/certificate.h"
#include "verbs.h"
#include "writing.h"

namespace rpx::cert {
namespace {

constexpr Duration kAuthorityLife = std::chrono::hours(24 * 3650);
constexpr Duration kIssuedLife = std::chrono::hours(24 * 90);

struct CaOptions {
  std::string folder = "ca";
  std::vector<std::string> names;
  std::string kind;
  std::string common_name;
  std::string out;
  std::string responder;
  std::optional<Duration> life;
  bool client = false;
  bool env = false;
  bool force = false;
};

Result<int> init(const CaOptions& options, const cli::Common& common) {
  std::error_code failed;
  std::filesystem::create_directories(options.folder, failed);
  if (failed) return self_error(ErrorKind::kIo, fmt::format("{}: {}", options.folder, failed.message()));
  pki::Wanted wanted = wanted_of({}, options.life, kAuthorityLife);
  wanted.authority = true;
  wanted.common_name = options.common_name.empty() ? "rpx development CA" : options.common_name;
  RPX_TRY(const tls::KeyPtr key, pki::make_key(kind_of(options.kind)));
  RPX_TRY(const tls::X509Ptr certificate, pki::make_certificate(key.get(), wanted, nullptr));
  RPX_TRY(const std::string pem, pki::key_pem(key.get()));
  RPX_TRY_VOID(write_secret(options.folder + "/ca.key", pem, options.force));
  RPX_TRY_VOID(write_public(options.folder + "/ca.pem", pki::pem_of(certificate.get()), options.force));
  if (!common.quiet) cli::write_stdout(fmt::format("{0}/ca.pem\n{0}/ca.key\n", options.folder));
  return 0;
}

// What makes the usual clients trust the authority, for this shell alone.
std::string environment(const std::string& ca, const std::string& cert, const std::string& key) {
  std::string out;
  // curl, OpenSSL and Go; Python's requests; node; Java takes no PEM, but a bundle of the system can be named to it.
  for (const char* name : {"CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "RPX_CA"})
    out += fmt::format("export {}='{}'\n", name, ca);
  return out + fmt::format("export RPX_CERT='{}'\nexport RPX_KEY='{}'\n", cert, key);
}

std::string absolute(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::absolute(path, ignored).lexically_normal().string();
}

Result<int> issue(const CaOptions& options, const cli::Common& common) {
  const std::string ca = options.folder + "/ca.pem";
  std::error_code ignored;
  if (!std::filesystem::exists(ca, ignored))
    return self_error(ErrorKind::kConfig,
                      fmt::format("{}: there is no such file; rpx-cert ca init {} makes one", ca, options.folder));
  RPX_TRY(const std::vector<tls::X509Ptr> authority, tls::read_bundle(ca));
  RPX_TRY(const tls::KeyPtr ca_key, pki::read_key(options.folder + "/ca.key"));
  if (X509_check_private_key(authority.front().get(), ca_key.get()) != 1) {
    tls::take_openssl_error();
    return self_error(ErrorKind::kConfig, fmt::format("{}/ca.key does not belong to {}", options.folder, ca));
  }
  pki::Wanted wanted = wanted_of(options.names, options.life, kIssuedLife);
  wanted.client = options.client;
  wanted.responder = options.responder;
  // Clients are people and machines as often as hosts: what is no host name is the subject alone.
  if (options.client && !pki::is_san(wanted.names.front())) {
    wanted.common_name = options.names.front();
    wanted.names.erase(wanted.names.begin());
  }
  RPX_TRY(const tls::KeyPtr key, pki::make_key(kind_of(options.kind)));
  const pki::Issuer issuer{authority.front().get(), ca_key.get()};
  RPX_TRY(const tls::X509Ptr certificate, pki::make_certificate(key.get(), wanted, &issuer));
  RPX_TRY(const std::string pem, pki::key_pem(key.get()));
  const std::string stem = options.out.empty() ? options.names.front() : options.out;
  RPX_TRY_VOID(write_secret(stem + ".key", pem, options.force));
  RPX_TRY_VOID(write_public(stem + ".pem", pki::pem_of(certificate.get()), options.force));
  if (options.env)
    cli::write_stdout(environment(absolute(ca), absolute(stem + ".pem"), absolute(stem + ".key")));
  else if (!common.quiet)
    cli::write_stdout(fmt::format("{0}.pem\n{0}.key\n", stem));
  return 0;
}

}  // namespace

void add_ca(cli::App& app) {
  auto begun = std::make_shared<CaOptions>();
  app.verb("ca init", "make a certificate authority for development and tests")
      .example("rpx-cert ca init", "ca/ca.pem, to be trusted, and ca/ca.key, to be kept")
      .choice("--kind", "KIND", &begun->kind, pki::key_kind_names(), "of its key; ec without it")
      .option("--subject", "TEXT", &begun->common_name, "what it is called")
      .option("--for", "DURATION", &begun->life, "how long it is good; 3650d without it")
      .flag("--force", begun->force, "replace one that is there")
      .operand("DIR", &begun->folder, "where to; ca without it")
      .action([begun](const cli::Common& common) {
        const Result<int> done = init(*begun, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
  auto issued = std::make_shared<CaOptions>();
  app.verb("ca issue", "make a certificate that the authority signs")
      .example("rpx-cert ca issue app.test 127.0.0.1", "app.test.pem and app.test.key")
      .example("eval \"$(rpx-cert ca issue --env app.test)\"", "and clients of this shell trust it")
      .example("rpx-cert ca issue --client alice", "for a client to show")
      .option("--ca", "DIR", &issued->folder, "folder of the authority; ca without it")
      .choice("--kind", "KIND", &issued->kind, pki::key_kind_names(), "of the key; ec without it")
      .option("--for", "DURATION", &issued->life, "how long it is good; 90d without it")
      .option("--out", "STEM", &issued->out, "STEM.pem and STEM.key; else the first name")
      .option("--responder", "URL", &issued->responder, "the responder (OCSP) that it names; none without it")
      .flag("--client", issued->client, "for clients that show it, not for servers")
      .flag("--env", issued->env, "print variables that make curl, node, python and go trust the authority")
      .flag("--force", issued->force, "replace files that are there")
      .operand("NAME...", &issued->names, "DNS names and addresses", true)
      .action([issued](const cli::Common& common) {
        const Result<int> done = issue(*issued, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::cert
