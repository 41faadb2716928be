#include "proxy/stapler.h"

#include <fmt/format.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <random>

#include "base/log.h"
#include "base/result.h"
#include "pki/dial.h"
#include "pki/ocsp.h"
#include "proxy/acme_schedule.h"

namespace rpx::proxy {
namespace {

// How late certificates that have been read anew are noticed.
constexpr std::chrono::seconds kStaplePace{1};
constexpr std::chrono::seconds kResponderPatience{20};
// Of an answer that does not say how long it is good.
constexpr std::chrono::hours kUnsaid{12};
constexpr std::chrono::hours kLongestKept{24};

double chance() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

WallTime past(WallTime from, Duration span) { return from + std::chrono::duration_cast<WallTime::duration>(span); }

std::string called(const tls::Certificate& certificate) {
  return certificate.names.empty() ? certificate.fingerprint.substr(0, 16) : certificate.names.front();
}

X509* issuer_of(const tls::Certificate& certificate) {
  if (certificate.chain.size() < 2) return nullptr;
  X509* issuer = certificate.chain[1].get();
  return X509_check_issued(issuer, certificate.chain.front().get()) == X509_V_OK ? issuer : nullptr;
}

tls::Staple staple_from(const pki::OcspAnswer& answer, WallTime now) {
  tls::Staple out{.response = {},
                  .until = answer.until != WallTime{} ? answer.until : past(now, kUnsaid),
                  .state = std::string(pki::name_of(answer.status)),
                  .why = {}};
  if (answer.status == pki::OcspStatus::kGood) {
    out.response = answer.response;
  } else if (answer.status == pki::OcspStatus::kRevoked) {
    out.why = fmt::format("revoked at {}{}{}", format_rfc3339(answer.revoked_at), answer.reason.empty() ? "" : ": ",
                          answer.reason);
  } else {
    out.why = "the responder does not know it";
  }
  return out;
}

}  // namespace

Stapler::Stapler(net::Resolver& names) : end_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), resolver_(names) {}

void Stapler::configure(std::shared_ptr<Certificates> certificates) {
  const std::scoped_lock lock(mutex_);
  if (certificates && !certificates->options().ocsp_stapling) certificates.reset();
  certificates_ = std::move(certificates);
  changed_.notify_all();
  if (certificates_ && !thread_.joinable() && !ending_) thread_ = std::thread([this] { run(); });
}

void Stapler::stop() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(end_fd_.get(), &one, sizeof one);
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Stapler::run() {
  pthread_setname_np(pthread_self(), "rpx-ocsp");
  const pki::WaitsEndWith ending(end_fd_.get(), resolver_);
  std::unique_lock lock(mutex_);
  while (!ending_) {
    const auto certificates = certificates_;
    lock.unlock();
    if (certificates) look(*certificates);
    lock.lock();
    if (!ending_) changed_.wait_for(lock, kStaplePace);
  }
}

void Stapler::look(const Certificates& certificates) {
  const Certificates::Contexts contexts = certificates.current();
  for (const tls::Holding& holding : contexts->holdings())
    if (holding.certificate->problem.empty()) look_at(*holding.certificate);
  // Those that have gone are forgotten.
  std::erase_if(known_, [&](const auto& entry) {
    return std::ranges::none_of(contexts->holdings(), [&](const tls::Holding& holding) {
      return holding.certificate->fingerprint == entry.first;
    });
  });
}

void Stapler::look_at(const tls::Certificate& certificate) {
  X509* leaf = certificate.chain.front().get();
  const auto found = known_.find(certificate.fingerprint);
  const WallTime now = std::chrono::system_clock::now();
  if (found != known_.end() && now < found->second.next) {
    // Read anew from its file it has none yet.
    if (tls::staple_of(leaf).state.empty() && !found->second.staple.state.empty())
      tls::set_staple(leaf, found->second.staple);
    return;
  }
  const std::string url = pki::responder_of(leaf);
  Known& known = known_[certificate.fingerprint];
  if (!url.empty()) {
    refresh(certificate, url, known);
    tls::set_staple(leaf, known.staple);
    return;
  }
  known.next = past(now, std::chrono::hours(24 * 365));
  if (tls::must_staple(leaf))
    log_event(LogLevel::kWarning, "a certificate wants an OCSP response with it, and names no responder",
              {{"name", called(certificate)}});
}

void Stapler::refresh(const tls::Certificate& certificate, const std::string& url, Known& known) {
  X509* issuer = issuer_of(certificate);
  const Instant deadline = std::chrono::steady_clock::now() + kResponderPatience;
  const Result<pki::OcspAnswer> answer =
      issuer == nullptr ? self_error(ErrorKind::kConfig, "the certificate of its issuer does not follow it in its file")
                        : pki::ask_ocsp(url, certificate.chain.front().get(), issuer, deadline);
  const WallTime now = std::chrono::system_clock::now();
  const std::string before = known.staple.state;
  if (!answer) {
    ++known.failures;
    known.next = past(now, back_off(known.failures, chance()));
    // What was good stays until it runs out.
    known.staple.state = "failing";
    known.staple.why = answer.error().detail;
    const bool bare = known.staple.response.empty() || known.staple.until <= now;
    const bool must = bare && tls::must_staple(certificate.chain.front().get());
    if (known.failures == 1 || must)
      log_event(
          must ? LogLevel::kError : LogLevel::kWarning,
          must ? "a certificate wants an OCSP response with it, and there is none: clients will refuse it"
               : "no OCSP response was fetched",
          {{"name", called(certificate)}, {"reason", answer.error().detail}, {"next", format_rfc3339(known.next)}});
    return;
  }
  known.failures = 0;
  known.staple = staple_from(*answer, now);
  // Half-way, so that a responder may be down for as long again.
  known.next = std::min(past(now, kLongestKept), known.staple.until - (known.staple.until - answer->from) / 2);
  known.next = std::max(known.next, past(now, std::chrono::minutes(1)));
  if (answer->status != pki::OcspStatus::kGood)
    log_event(LogLevel::kError, "a certificate is not good any more",
              {{"name", called(certificate)}, {"why", known.staple.why}});
  else if (before != known.staple.state)
    log_event(LogLevel::kInfo, "OCSP response fetched",
              {{"name", called(certificate)}, {"until", format_rfc3339(known.staple.until)}});
}

}  // namespace rpx::proxy
