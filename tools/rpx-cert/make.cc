// key, csr and self-signed.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "cli/terminal.h"
#include "verbs.h"
#include "writing.h"

namespace rpx::cert {
namespace {

constexpr Duration kSelfSignedLife = std::chrono::hours(24 * 90);

struct MakeOptions {
  std::vector<std::string> names;
  std::string kind;
  std::string key;
  std::string out;
  std::string passphrase_file;
  std::optional<Duration> life;
  bool force = false;
};

Result<int> make_key(const MakeOptions& options, const cli::Common&) {
  RPX_TRY(const std::string passphrase, read_passphrase(options.passphrase_file));
  RPX_TRY(const tls::KeyPtr key, pki::make_key(kind_of(options.kind)));
  RPX_TRY(const std::string pem, pki::key_pem(key.get(), passphrase));
  RPX_TRY_VOID(write_secret(options.out.empty() ? "-" : options.out, pem, options.force));
  return 0;
}

// The key in --key, which is made when there is none yet.
Result<tls::KeyPtr> key_for(const MakeOptions& options) {
  RPX_TRY(const std::string passphrase, read_passphrase(options.passphrase_file));
  std::error_code ignored;
  if (std::filesystem::exists(options.key, ignored)) return pki::read_key(options.key, passphrase);
  RPX_TRY(tls::KeyPtr key, pki::make_key(kind_of(options.kind)));
  RPX_TRY(const std::string pem, pki::key_pem(key.get(), passphrase));
  RPX_TRY_VOID(write_secret(options.key, pem, false));
  return key;
}

Result<int> make_csr(const MakeOptions& options, const cli::Common&) {
  if (options.key.empty()) return self_error(ErrorKind::kUsage, "csr needs --key FILE: it is made when not there yet");
  RPX_TRY(const tls::KeyPtr key, key_for(options));
  RPX_TRY(const pki::RequestPtr request,
          pki::make_request(key.get(), wanted_of(options.names, std::nullopt, kSelfSignedLife)));
  RPX_TRY_VOID(write_public(options.out.empty() ? "-" : options.out, pki::pem_of(request.get()), options.force));
  return 0;
}

Result<int> self_sign(const MakeOptions& options, const cli::Common& common) {
  const std::string stem = options.out.empty() ? options.names.front() : options.out;
  MakeOptions own = options;
  if (own.key.empty()) own.key = stem + ".key";
  RPX_TRY(const tls::KeyPtr key, key_for(own));
  RPX_TRY(const tls::X509Ptr certificate,
          pki::make_certificate(key.get(), wanted_of(options.names, options.life, kSelfSignedLife), nullptr));
  RPX_TRY_VOID(write_public(stem + ".pem", pki::pem_of(certificate.get()), options.force));
  if (!common.quiet) cli::write_stdout(fmt::format("{}.pem\n{}\n", stem, own.key));
  return 0;
}

template <auto Run>
auto action_of(std::shared_ptr<MakeOptions> options) {
  return [options](const cli::Common& common) {
    const Result<int> done = Run(*options, common);
    return done ? *done : cli::report_error(kTool, done.error());
  };
}

}  // namespace

void add_make(cli::App& app) {
  auto key = std::make_shared<MakeOptions>();
  app.verb("key", "make a private key; files of keys are for their owner alone")
      .example("rpx-cert key site.key", "an EC key on P-256")
      .choice("--kind", "KIND", &key->kind, pki::key_kind_names(), "ec without it")
      .option("--passphrase-file", "FILE", &key->passphrase_file, "encrypt it with the first line of FILE")
      .flag("--force", key->force, "replace a file that is there")
      .operand("FILE", &key->out, "where to; standard output without it")
      .action(action_of<make_key>(key));
  auto csr = std::make_shared<MakeOptions>();
  app.verb("csr", "make a request to a certificate authority")
      .example("rpx-cert csr --key site.key example.com www.example.com > site.csr", "the key is made if need be")
      .option("--key", "FILE", &csr->key, "the private key; made when there is none")
      .choice("--kind", "KIND", &csr->kind, pki::key_kind_names(), "of a key that is made; ec without it")
      .option("--passphrase-file", "FILE", &csr->passphrase_file, "the key's passphrase is the first line of FILE")
      .option("--out", "FILE", &csr->out, "where to; standard output without it")
      .flag("--force", csr->force, "replace a file that is there")
      .operand("NAME...", &csr->names, "DNS names and addresses", true)
      .action(action_of<make_csr>(csr));
  auto own = std::make_shared<MakeOptions>();
  app.verb("self-signed", "make a certificate that signs itself")
      .example("rpx-cert self-signed localhost 127.0.0.1", "localhost.pem and localhost.key, for 90 days")
      .option("--key", "FILE", &own->key, "the private key; made when there is none")
      .choice("--kind", "KIND", &own->kind, pki::key_kind_names(), "of a key that is made; ec without it")
      .option("--passphrase-file", "FILE", &own->passphrase_file, "the key's passphrase is the first line of FILE")
      .option("--for", "DURATION", &own->life, "how long it is good; 90d without it")
      .option("--out", "STEM", &own->out, "STEM.pem and STEM.key; else the first name")
      .flag("--force", own->force, "replace a certificate that is there")
      .operand("NAME...", &own->names, "DNS names and addresses", true)
      .action(action_of<self_sign>(own));
}

}  // namespace rpx::cert
