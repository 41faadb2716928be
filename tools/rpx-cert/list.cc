#include <fmt/format.h>

#include "base/result.h"
#include "chains.h"
#include "configured.h"
#include "pki/facts.h"
#include "verbs.h"

namespace rpx::cert {
namespace {

Result<int> list(const cli::Common& common) {
  RPX_TRY(const ConfiguredSite site, read_configured(common));
  cli::Records records(
      {{"cert"}, {"names"}, {"key"}, {"not_after"}, {"days_left", true}, {"fingerprint"}, {"problem"}});
  const WallTime now = std::chrono::system_clock::now();
  for (const Configured& one : site.certificates) {
    if (!one.problem.empty()) {
      records.add({one.cert, {}, {}, {}, {}, {}, one.problem});
      continue;
    }
    const pki::CertificateFacts facts = pki::facts_of(one.chain.front().get());
    records.add({one.cert,
                 fmt::format("{}", fmt::join(one.names, " ")),
                 facts.key,
                 time_text(facts.until),
                 pki::days_left(facts, now),
                 facts.fingerprint,
                 {}});
  }
  print(records, common);
  return 0;
}

}  // namespace

void add_list(cli::App& app) {
  app.verb("list", "the certificates of a configuration")
      .example("rpx-cert list -c rpx.toml", "names, keys and ends")
      .action([](const cli::Common& common) {
        const Result<int> done = list(common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::cert
