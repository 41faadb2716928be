#include <fmt/format.h>

#include <memory>

#include "base/result.h"
#include "chains.h"
#include "pki/facts.h"
#include "verbs.h"

namespace rpx::cert {
namespace {

struct InspectOptions {
  std::vector<std::string> targets;
  std::string name;
  bool leaf = false;
};

void add_rows(cli::Records& records, const std::string& target, const Chain& chain, bool leaf) {
  const WallTime now = std::chrono::system_clock::now();
  for (std::size_t i = 0; i < (leaf ? 1 : chain.certificates.size()); ++i) {
    const pki::CertificateFacts facts = pki::facts_of(chain.certificates[i].get());
    records.add({target, std::uint64_t{i + 1}, facts.subject, fmt::format("{}", fmt::join(facts.names, " ")),
                 facts.issuer, time_text(facts.from), time_text(facts.until), pki::days_left(facts, now), facts.key,
                 facts.signature, facts.authority, facts.serial, facts.fingerprint});
  }
}

Result<int> inspect(const InspectOptions& options, const cli::Common& common) {
  cli::Records records({{"target"},
                        {"place", true},
                        {"subject"},
                        {"names"},
                        {"issuer"},
                        {"not_before"},
                        {"not_after"},
                        {"days_left", true},
                        {"key"},
                        {"signature"},
                        {"authority"},
                        {"serial"},
                        {"fingerprint"}});
  for (const std::string& target : options.targets) {
    RPX_TRY(const Chain chain, load_chain(target, options.name, patience_of(common)));
    add_rows(records, target, chain, options.leaf);
  }
  print(records, common);
  return 0;
}

}  // namespace

void add_inspect(cli::App& app) {
  auto options = std::make_shared<InspectOptions>();
  app.verb("inspect", "tell what certificates say, in files or as servers send them, good or bad")
      .example("rpx-cert inspect site.pem", "the certificate and its intermediates")
      .example("rpx-cert inspect --name app.test 127.0.0.1:8443", "what is served to who asks for that name")
      .option("--name", "HOST", &options->name, "ask servers for this name (SNI)")
      .flag("--leaf", options->leaf, "leave intermediates out")
      .operand("FILE|HOST[:PORT]...", &options->targets, "PEM files, - for standard input, or servers", true)
      .action([options](const cli::Common& common) {
        const Result<int> done = inspect(*options, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::cert
