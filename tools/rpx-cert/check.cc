#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/ip.h"
#include "base/result.h"
#include "chains.h"
#include "configured.h"
#include "pki/facts.h"
#include "pki/key.h"
#include "pki/verify.h"
#include "verbs.h"

namespace rpx::cert {
namespace {

struct CheckOptions {
  std::vector<std::string> targets;
  std::string name;
  std::string ca;
  std::string key;
  std::optional<Duration> within;
  bool no_trust = false;
};

struct Outcome {
  std::string target;
  std::string name;
  std::optional<std::int64_t> days;
  std::vector<std::string> findings;
};

pki::Expected expected_of(const CheckOptions& options, std::string name) {
  return {.name = std::move(name),
          .ca = options.ca,
          .trust = !options.no_trust,
          .now = std::chrono::system_clock::now(),
          .ahead = options.within.value_or(std::chrono::hours(24 * 30))};
}

Result<Outcome> check_target(const std::string& target, const CheckOptions& options, const cli::Common& common) {
  RPX_TRY(const Chain chain, load_chain(target, options.name, patience_of(common)));
  const pki::Expected expected = expected_of(options, options.name.empty() ? chain.host : options.name);
  Outcome out{.target = target, .name = expected.name};
  X509* leaf = chain.certificates.front().get();
  out.days = pki::days_left(pki::facts_of(leaf), expected.now);
  RPX_TRY(out.findings, pki::findings_of(chain.certificates, expected));
  if (!options.key.empty()) {
    RPX_TRY(const tls::KeyPtr key, pki::read_key(options.key));
    if (X509_check_private_key(leaf, key.get()) != 1)
      out.findings.push_back(fmt::format("the key in {} belongs to another certificate", options.key));
    tls::take_openssl_error();
  }
  return out;
}

// A certificate of the configuration, and whether the proxy serves just that.
Outcome check_configured(const Configured& one, const CheckOptions& options, const cli::Common& common) {
  Outcome out{.target = one.cert};
  if (!one.problem.empty()) {
    out.findings.push_back(one.problem);
    return out;
  }
  const pki::Expected expected = expected_of(options, "");
  out.name = fmt::format("{}", fmt::join(one.names, " "));
  out.days = pki::days_left(pki::facts_of(one.chain.front().get()), expected.now);
  if (auto findings = pki::findings_of(one.chain, expected))
    out.findings = std::move(*findings);
  else
    out.findings.push_back(findings.error().detail);
  std::vector<std::string> served = served_otherwise(one, patience_of(common));
  out.findings.insert(out.findings.end(), served.begin(), served.end());
  return out;
}

Result<std::vector<Outcome>> check_config(const CheckOptions& options, const cli::Common& common) {
  RPX_TRY(const ConfiguredSite site, read_configured(common));
  std::vector<Outcome> out;
  for (const Configured& one : site.certificates) out.push_back(check_configured(one, options, common));
  for (const std::string& host : site.hosts_without)
    out.push_back({.target = site.file, .name = host, .findings = {"no certificate is for this host of a route"}});
  return out;
}

Result<int> check(const CheckOptions& options, const cli::Common& common) {
  std::vector<Outcome> outcomes;
  if (options.targets.empty()) {
    RPX_TRY(outcomes, check_config(options, common));
  }
  for (const std::string& target : options.targets) {
    RPX_TRY(Outcome one, check_target(target, options, common));
    outcomes.push_back(std::move(one));
  }
  cli::Records records({{"target"}, {"name"}, {"good"}, {"days_left", true}, {"finding"}});
  for (const Outcome& one : outcomes) {
    cli::Cell days;
    if (one.days) days = *one.days;
    cli::Cell name;
    if (!one.name.empty()) name = one.name;
    if (one.findings.empty()) records.add({one.target, name, true, days, {}});
    for (const std::string& finding : one.findings) records.add({one.target, name, false, days, finding});
  }
  print(records, common);
  const bool good = std::ranges::all_of(outcomes, [](const Outcome& one) { return one.findings.empty(); });
  return cli::to_int(good ? cli::ExitCode::kDone : cli::ExitCode::kFalse);
}

}  // namespace

void add_check(cli::App& app) {
  auto options = std::make_shared<CheckOptions>();
  app.verb("check", "judge certificates as clients will; exit status 1 when one needs attention")
      .example("rpx-cert check -c rpx.toml", "all that it serves: files, hosts of routes, and what is served now")
      .example("rpx-cert check --key site.key --name example.com site.pem", "names, dates, chain and key")
      .example("rpx-cert check example.com:443", "what is served there")
      .option("--name", "HOST", &options->name, "the name it must be for, and to ask servers for; else their host")
      .option("--ca", "FILE", &options->ca, "trust these authorities instead of the system's")
      .option("--key", "FILE", &options->key, "the private key that must belong to it")
      .option("--within", "DURATION", &options->within, "what expires so soon needs attention; 30d without it")
      .flag("--no-trust", options->no_trust, "do not ask for a trusted authority")
      .operand("FILE|HOST[:PORT]...", &options->targets, "PEM files or servers; none = the configuration")
      .action([options](const cli::Common& common) {
        const Result<int> done = check(*options, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::cert
