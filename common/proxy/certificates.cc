#include "proxy/certificates.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/log.h"
#include "base/result.h"
#include "pki/facts.h"
#include "tls/stapling.h"

namespace rpx::proxy {
namespace {

bool lacks_staple(const tls::Holding& holding) {
  const tls::Certificate& one = *holding.certificate;
  if (!one.problem.empty() || !tls::must_staple(one.chain.front().get())) return false;
  const tls::Staple staple = tls::staple_of(one.chain.front().get());
  return staple.response.empty() || staple.until <= std::chrono::system_clock::now();
}

}  // namespace

Result<std::shared_ptr<Certificates>> Certificates::build(const tls::TlsOptions& options,
                                                          std::vector<tls::CertificateOptions> certificates,
                                                          const tls::ServerContexts* previous, Obtained obtained) {
  std::shared_ptr<Certificates> out(new Certificates(options, std::move(certificates), std::move(obtained)));
  RPX_TRY(Contexts contexts, out->load(previous));
  out->current_.store(std::move(contexts));
  return out;
}

// What was configured comes first: where it is for the same name as what was obtained, it is what is served.
Result<Certificates::Contexts> Certificates::load(const tls::ServerContexts* previous) const {
  std::vector<tls::CertificateOptions> files = certificates_;
  for (const tls::CertificateOptions& one : obtained_.files)
    if (tls::mark_of(one.cert) != tls::FileMark{}) files.push_back(one);
  return tls::ServerContexts::build(options_, files, previous, obtained_.managed);
}

Status Certificates::reload() {
  const std::scoped_lock lock(mutex_);
  const Contexts before = current();
  RPX_TRY(Contexts contexts, load(before.get()));
  const std::string unusable = std::to_string(contexts->unusable());
  const std::size_t count = contexts->holdings().size();
  current_.store(std::move(contexts));
  reloads_.fetch_add(1, std::memory_order_relaxed);
  log_event(LogLevel::kNotice, "certificates read again",
            {{"certificates", std::to_string(count)}, {"unusable", unusable}});
  return {};
}

Certificates::Marks Certificates::marks_now() const {
  Marks out;
  for (const auto* files : {&certificates_, &obtained_.files})
    for (const tls::CertificateOptions& one : *files) {
      out.push_back(tls::mark_of(one.cert));
      out.push_back(tls::mark_of(one.key));
    }
  return out;
}

Certificates::Marks Certificates::marks_read() const {
  Marks out;
  const Contexts contexts = current();
  for (const auto* files : {&certificates_, &obtained_.files})
    for (const tls::CertificateOptions& one : *files) {
      const auto& holdings = contexts->holdings();
      const auto held = std::ranges::find(holdings, one, &tls::Holding::files);
      out.push_back(held == holdings.end() ? tls::FileMark{} : held->cert);
      out.push_back(held == holdings.end() ? tls::FileMark{} : held->key);
    }
  return out;
}

void Certificates::look(Instant) {
  Marks now = marks_now();
  if (now == marks_read()) {
    waits_ = false;
    return;
  }
  const bool settled = waits_ && now == seen_;
  waits_ = !settled;
  seen_ = std::move(now);
  if (!settled) return;
  if (const Status done = reload(); !done)
    log_event(LogLevel::kError, "certificates were not read again, those in use stay", {{"why", done.error().detail}});
}

std::vector<CertificateView> view_certificates(const Certificates* certificates) {
  std::vector<CertificateView> out;
  if (certificates == nullptr) return out;
  const Certificates::Contexts contexts = certificates->current();
  for (const tls::Holding& holding : contexts->holdings()) {
    const tls::Certificate& one = *holding.certificate;
    CertificateView& view = out.emplace_back();
    view.cert = holding.files.cert;
    view.key = holding.files.key;
    view.served = one.problem.empty();
    view.problem = holding.stale.empty() ? one.problem : holding.stale;
    view.warning = one.warning;
    if (one.chain.empty()) continue;
    pki::CertificateFacts facts = pki::facts_of(one.chain.front().get());
    view.names = std::move(facts.names);
    view.subject = std::move(facts.subject);
    view.issuer = std::move(facts.issuer);
    view.key_type = std::move(facts.key);
    view.fingerprint = std::move(facts.fingerprint);
    view.from = facts.from;
    view.until = facts.until;
  }
  return out;
}

std::string write_certificate_metrics(const Certificates* certificates) {
  std::string out;
  if (certificates == nullptr) return out;
  const auto to = std::back_inserter(out);
  fmt::format_to(to,
                 "# HELP rpx_certificate_not_after_seconds When a certificate ends, in seconds since 1970.\n"
                 "# TYPE rpx_certificate_not_after_seconds gauge\n");
  for (const CertificateView& one : view_certificates(certificates)) {
    if (one.fingerprint.empty()) continue;
    // A name of a certificate may hold anything; one that would break the line is not shown.
    std::string name = one.names.empty() ? std::string() : one.names.front();
    if (name.find_first_of("\"\\\n") != std::string::npos) name.clear();
    fmt::format_to(to, "rpx_certificate_not_after_seconds{{fingerprint=\"{}\",name=\"{}\",served=\"{}\"}} {}\n",
                   one.fingerprint.substr(0, 16), name, one.served ? "yes" : "no",
                   std::chrono::duration_cast<std::chrono::seconds>(one.until.time_since_epoch()).count());
  }
  fmt::format_to(to,
                 "# HELP rpx_certificate_staple_until_seconds When the OCSP response that is sent with a certificate "
                 "runs out, in seconds since 1970; 0 = there is none, although its authority has a responder.\n"
                 "# TYPE rpx_certificate_staple_until_seconds gauge\n");
  const Certificates::Contexts contexts = certificates->current();
  for (const tls::Holding& holding : contexts->holdings()) {
    if (holding.certificate->chain.empty()) continue;
    const tls::Staple staple = tls::staple_of(holding.certificate->chain.front().get());
    if (!staple.state.empty())
      fmt::format_to(to, "rpx_certificate_staple_until_seconds{{fingerprint=\"{}\"}} {}\n",
                     holding.certificate->fingerprint.substr(0, 16),
                     staple.response.empty()
                         ? 0
                         : std::chrono::duration_cast<std::chrono::seconds>(staple.until.time_since_epoch()).count());
  }
  fmt::format_to(to,
                 "# HELP rpx_certificates_unstapled Certificates that say they must be served with an OCSP response, "
                 "and have none that is valid now: clients refuse them.\n# TYPE rpx_certificates_unstapled gauge\n"
                 "rpx_certificates_unstapled {}\n",
                 std::ranges::count_if(contexts->holdings(), lacks_staple));
  fmt::format_to(to,
                 "# HELP rpx_certificate_reloads_total Times that files of certificates were read again since the last "
                 "reload of the configuration.\n# TYPE rpx_certificate_reloads_total counter\n"
                 "rpx_certificate_reloads_total {}\n",
                 certificates->reloads());
  return out;
}

}  // namespace rpx::proxy
