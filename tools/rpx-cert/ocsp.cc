// ocsp: asks the responder of an authority whether certificates have been revoked.
#include "pki/ocsp.h"

#include <fmt/format.h>
#include <openssl/x509v3.h>

#include <memory>

#include "base/result.h"
#include "chains.h"
#include "cli/terminal.h"
#include "pki/facts.h"
#include "tls/certificate.h"
#include "verbs.h"
#include "writing.h"

namespace rpx::cert {
namespace {

struct OcspOptions {
  std::vector<std::string> targets;
  std::string name;
  std::string issuer;
  std::string url;
  std::string out;
};

// The issuer's certificate: what --issuer names, else what stands behind the certificate, or the certificate itself.
Result<tls::X509Ptr> issuer_of(const OcspOptions& options, const std::string& target, const Chain& chain) {
  std::vector<tls::X509Ptr> given;
  if (!options.issuer.empty()) {
    RPX_TRY(given, tls::read_bundle(options.issuer));
  }
  X509* leaf = chain.certificates.front().get();
  const std::vector<tls::X509Ptr>* const lists[] = {&given, &chain.certificates};
  for (const auto* list : lists)
    for (const tls::X509Ptr& one : *list)
      if (one.get() != leaf && X509_check_issued(one.get(), leaf) == X509_V_OK) {
        X509_up_ref(one.get());
        return tls::X509Ptr(one.get());
      }
  return self_error(ErrorKind::kConfig,
                    fmt::format("{}: the certificate of its issuer{} is not there; --issuer FILE names it", target,
                                options.issuer.empty() ? "" : " in " + options.issuer));
}

Result<pki::OcspAnswer> ask(const OcspOptions& options, const std::string& target, const Chain& chain,
                            const std::string& url, const cli::Common& common) {
  RPX_TRY(const tls::X509Ptr issuer, issuer_of(options, target, chain));
  if (url.empty())
    return self_error(ErrorKind::kConfig,
                      fmt::format("{}: the certificate names no responder, so its authority has none; --url URL asks "
                                  "one all the same",
                                  target));
  return pki::ask_ocsp(url, chain.certificates.front().get(), issuer.get(),
                       std::chrono::steady_clock::now() + patience_of(common));
}

std::string time_or_nothing(WallTime time) { return time == WallTime{} ? std::string() : time_text(time); }

Result<int> ocsp(const OcspOptions& options, const cli::Common& common) {
  if (!options.out.empty() && options.targets.size() != 1)
    return self_error(ErrorKind::kUsage, "--out is for one certificate");
  cli::Records records({{"target"},
                        {"status"},
                        {"subject"},
                        {"responder"},
                        {"this_update"},
                        {"next_update"},
                        {"revoked_at"},
                        {"reason"}});
  bool good = true;
  for (const std::string& target : options.targets) {
    RPX_TRY(const Chain chain, load_chain(target, options.name, patience_of(common)));
    X509* leaf = chain.certificates.front().get();
    const std::string url = options.url.empty() ? pki::responder_of(leaf) : options.url;
    RPX_TRY(const pki::OcspAnswer answer, ask(options, target, chain, url, common));
    good &= answer.status == pki::OcspStatus::kGood;
    records.add({target, std::string(pki::name_of(answer.status)), pki::facts_of(leaf).subject, url,
                 time_or_nothing(answer.from), time_or_nothing(answer.until), time_or_nothing(answer.revoked_at),
                 answer.reason});
    if (!options.out.empty()) RPX_TRY_VOID(write_public(options.out, answer.response, true));
  }
  if (options.out != "-") print(records, common);
  return cli::to_int(good ? cli::ExitCode::kDone : cli::ExitCode::kFalse);
}

}  // namespace

void add_ocsp(cli::App& app) {
  auto options = std::make_shared<OcspOptions>();
  app.verb("ocsp", "ask the authority whether certificates have been revoked")
      .example("rpx-cert ocsp site.pem", "good, revoked or unknown; exit status 1 when one is not good")
      .example("rpx-cert ocsp example.com -o json", "of what that server serves")
      .option("--name", "HOST", &options->name, "ask servers for this name (SNI)")
      .option("--issuer", "FILE", &options->issuer, "the issuer's certificate, where it is not behind the other")
      .option("--url", "URL", &options->url, "of the responder; else the one that the certificate names")
      .option("--out", "FILE", &options->out, "write the answer there, in DER")
      .operand("FILE|HOST[:PORT]...", &options->targets, "PEM files, - for standard input, or servers", true)
      .action([options](const cli::Common& common) {
        const Result<int> done = ocsp(*options, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::cert
