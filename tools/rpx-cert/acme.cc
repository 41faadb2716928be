// acme issue, renew and revoke: certificates of an authority that speaks ACME.
#include "pki/acme.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "base/base64.h"
#include "base/result.h"
#include "chains.h"
#include "cli/terminal.h"
#include "pki/challenge.h"
#include "pki/facts.h"
#include "proxy_solver.h"
#include "rpx-serve/ask.h"
#include "tls/certificate.h"
#include "verbs.h"
#include "writing.h"

namespace rpx::cert {
namespace {

constexpr const char* kLetsEncrypt = "https://acme-v02.api.letsencrypt.org/directory";

struct AcmeVerb {
  std::vector<std::string> operands;
  std::string directory = kLetsEncrypt;
  std::string ca;
  std::string email;
  bool agree_tos = false;
  std::string challenge = "http-01";
  std::string listen;
  std::string account = "acme-account.key";
  std::string eab_kid;
  std::string eab_key_file;
  std::string out;
  std::string kind;
  std::string reason = "unspecified";
  std::optional<Duration> within;
  bool force = false;
  bool proxy = false;
};

// RFC 5280 section 5.3.1, as far as it is for leaves.
constexpr std::pair<const char*, int> kReasons[] = {
    {"unspecified", 0}, {"key-compromise", 1}, {"superseded", 4}, {"cessation", 5}};

// The account's key; made, for its owner alone, when there is none.
Result<tls::KeyPtr> account_key(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return pki::read_key(path);
  RPX_TRY(tls::KeyPtr key, pki::make_key(pki::KeyKind::kEcP256));
  RPX_TRY(const std::string pem, pki::key_pem(key.get()));
  RPX_TRY_VOID(write_secret(path, pem, false));
  return key;
}

// What an order needs, in the order it is made and freed.
struct Session {
  tls::KeyPtr account;
  std::unique_ptr<pki::ChallengeSolver> solver;
  std::optional<pki::AcmeClient> client;
};

Result<std::unique_ptr<pki::ChallengeSolver>> solver_for(const AcmeVerb& verb, const cli::Common& common) {
  if (verb.proxy && !verb.listen.empty())
    return self_error(ErrorKind::kUsage, "--proxy and --listen are two ways to answer: give one");
  if (verb.proxy) {
    RPX_TRY(control::Client proxy, serve::find_proxy(common));
    return std::make_unique<ProxySolver>(std::move(proxy), verb.challenge);
  }
  std::string listen = verb.listen;
  if (listen.empty()) listen = verb.challenge == "tls-alpn-01" ? ":443" : ":80";
  return pki::StandaloneSolver::listen(verb.challenge, listen);
}

Result<Session> begin(const AcmeVerb& verb, const cli::Common& common) {
  pki::AcmeOptions options{
      .directory = verb.directory,
      .ca = verb.ca,
      .email = verb.email,
      .agree_tos = verb.agree_tos,
      .eab_kid = verb.eab_kid,
      .eab_secret = {},
      .deadline = std::chrono::steady_clock::now() + common.timeout.value_or(std::chrono::minutes(2))};
  if (verb.eab_kid.empty() != verb.eab_key_file.empty())
    return self_error(ErrorKind::kUsage, "--eab-kid and --eab-key-file go together");
  if (!verb.eab_kid.empty()) {
    RPX_TRY(const std::string text, read_passphrase(verb.eab_key_file));
    const auto secret = from_base64url(text);
    if (!secret) return self_error(ErrorKind::kUsage, fmt::format("{}: expected base64url", verb.eab_key_file));
    options.eab_secret = *secret;
  }
  Session out;
  RPX_TRY(out.account, account_key(verb.account));
  RPX_TRY(out.solver, solver_for(verb, common));
  RPX_TRY(pki::AcmeClient client, pki::AcmeClient::open(std::move(options), out.account.get(), *out.solver));
  out.client.emplace(std::move(client));
  return out;
}

// The key first: whoever watches both files takes them up once they fit.
Status obtain(Session& session, const AcmeVerb& verb, const std::vector<std::string>& names, const std::string& stem,
              bool force) {
  RPX_TRY(const tls::KeyPtr key, pki::make_key(kind_of(verb.kind)));
  RPX_TRY(const std::string chain, session.client->issue(names, key.get()));
  RPX_TRY(const std::string pem, pki::key_pem(key.get()));
  RPX_TRY_VOID(write_secret(stem + ".key", pem, force));
  return write_public(stem + ".pem", chain, force);
}

Result<int> issue_by_acme(const AcmeVerb& verb, const cli::Common& common) {
  std::vector<std::string> names = wanted_of(verb.operands, std::nullopt, std::chrono::hours(1)).names;
  for (const std::string& name : names) {
    if (!pki::is_san(name)) return self_error(ErrorKind::kUsage, fmt::format("\"{}\" is no DNS name", name));
    if (name.starts_with("*."))
      return self_error(ErrorKind::kUsage, fmt::format("\"{}\": names with a star are proven in the DNS alone", name));
  }
  const std::string stem = verb.out.empty() ? names.front() : verb.out;
  std::error_code ignored;
  if (!verb.force && std::filesystem::exists(stem + ".pem", ignored))
    return self_error(ErrorKind::kUsage, fmt::format("{}.pem is there already; --force replaces it, and acme renew "
                                                     "does so when it is time",
                                                     stem));
  RPX_TRY(Session session, begin(verb, common));
  RPX_TRY_VOID(obtain(session, verb, names, stem, verb.force));
  if (!common.quiet) cli::write_stdout(fmt::format("{0}.pem\n{0}.key\n", stem));
  return 0;
}

// Whether it is time: within --within of the end where that is given; else as the authority says, and where it says
// nothing in the last third of its life.
Result<bool> is_due(Session& session, X509* leaf, const AcmeVerb& verb) {
  const WallTime now = std::chrono::system_clock::now();
  const pki::CertificateFacts facts = pki::facts_of(leaf);
  if (verb.force) return true;
  if (verb.within) return facts.until - now < *verb.within;
  RPX_TRY(const std::optional<pki::RenewalWindow> window, session.client->renewal_window(leaf));
  if (window) return now >= window->from;
  return facts.until - now < (facts.until - facts.from) / 3;
}

Result<int> renew(const AcmeVerb& verb, const cli::Common& common) {
  RPX_TRY(Session session, begin(verb, common));
  cli::Records records({{"cert"}, {"renewed"}, {"not_after"}});
  for (const std::string& path : verb.operands) {
    if (!path.ends_with(".pem")) return self_error(ErrorKind::kUsage, fmt::format("{}: expected NAME.pem", path));
    RPX_TRY(const std::vector<tls::X509Ptr> chain, tls::read_bundle(path));
    const pki::CertificateFacts facts = pki::facts_of(chain.front().get());
    RPX_TRY(const bool due, is_due(session, chain.front().get(), verb));
    if (due) RPX_TRY_VOID(obtain(session, verb, facts.names, path.substr(0, path.size() - 4), true));
    RPX_TRY(const std::vector<tls::X509Ptr> now, tls::read_bundle(path));
    records.add({path, due, time_text(pki::facts_of(now.front().get()).until)});
  }
  print(records, common);
  return 0;
}

Result<int> revoke(const AcmeVerb& verb, const cli::Common& common) {
  int reason = 0;
  for (const auto& [name, number] : kReasons)
    if (verb.reason == name) reason = number;
  RPX_TRY(const std::vector<tls::X509Ptr> chain, tls::read_bundle(verb.operands.front()));
  RPX_TRY(Session session, begin(verb, common));
  RPX_TRY_VOID(session.client->revoke(chain.front().get(), reason));
  if (!common.quiet) cli::write_stdout(fmt::format("{} is revoked\n", verb.operands.front()));
  return 0;
}

void add_common(cli::Verb verb, AcmeVerb& options) {
  verb.option("--directory", "URL", &options.directory, "of the ACME server; Let's Encrypt without it")
      .option("--server-ca", "FILE", &options.ca, "trust these authorities too for the ACME server itself")
      .option("--account", "FILE", &options.account, "key of the account, made if need be; acme-account.key without it")
      .option("--email", "ADDRESS", &options.email, "where the authority may write to")
      .flag("--agree-tos", options.agree_tos, "agree to the terms of service")
      .option("--eab-kid", "ID", &options.eab_kid, "an account that the authority knows already: its name,")
      .option("--eab-key-file", "FILE", &options.eab_key_file, "and the file with its key, in base64url")
      .choice("--challenge", "TYPE", &options.challenge, {"http-01", "tls-alpn-01"}, "how names are proven; http-01")
      .option("--listen", "ADDR", &options.listen, "answer challenges here; :80 for http-01, :443 for tls-alpn-01")
      .flag("--proxy", options.proxy, "have the running proxy answer them");
}

template <auto Run>
auto acme_action(std::shared_ptr<AcmeVerb> options) {
  return [options](const cli::Common& common) {
    const Result<int> done = Run(*options, common);
    return done ? *done : cli::report_error(kTool, done.error());
  };
}

}  // namespace

void add_acme(cli::App& app) {
  auto issued = std::make_shared<AcmeVerb>();
  cli::Verb issuing = app.verb("acme issue", "obtain a certificate from an authority that speaks ACME");
  add_common(issuing, *issued);
  issuing.example("rpx-cert acme issue --agree-tos example.com www.example.com", "example.com.pem and example.com.key")
      .example("rpx-cert acme issue --agree-tos --proxy example.com", "the running proxy answers")
      .choice("--kind", "KIND", &issued->kind, pki::key_kind_names(), "of the key; ec without it")
      .option("--out", "STEM", &issued->out, "STEM.pem and STEM.key; else the first name")
      .flag("--force", issued->force, "replace files that are there")
      .operand("NAME...", &issued->operands, "DNS names and addresses", true)
      .action(acme_action<issue_by_acme>(issued));
  auto renewed = std::make_shared<AcmeVerb>();
  cli::Verb renewing = app.verb("acme renew", "renew certificates when it is time, in place");
  add_common(renewing, *renewed);
  renewing.example("rpx-cert acme renew --agree-tos *.pem", "daily: the authority says when, else in the last third")
      .choice("--kind", "KIND", &renewed->kind, pki::key_kind_names(), "of the new key; ec without it")
      .option("--within", "DURATION", &renewed->within, "when so little of their life is left")
      .flag("--force", renewed->force, "now")
      .operand("NAME.pem...", &renewed->operands, "certificates; the keys are beside them", true)
      .action(acme_action<renew>(renewed));
  auto revoked = std::make_shared<AcmeVerb>();
  cli::Verb revoking = app.verb("acme revoke", "tell the authority that a certificate must not be trusted any more");
  add_common(revoking, *revoked);
  revoking.example("rpx-cert acme revoke --agree-tos --reason key-compromise example.com.pem", "with the same account")
      .choice("--reason", "WHY", &revoked->reason, {"unspecified", "key-compromise", "superseded", "cessation"},
              "why; unspecified without it")
      .operand("FILE", &revoked->operands, "the certificate", true)
      .action(acme_action<revoke>(revoked));
}

}  // namespace rpx::cert
