#include "proxy/acme_order.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "base/log.h"
#include "base/result.h"
#include "base/text.h"
#include "pki/challenge.h"
#include "pki/facts.h"
#include "pki/key.h"
#include "pki/secret_file.h"
#include "tls/self_handshake.h"

namespace rpx::proxy {
namespace {

constexpr std::chrono::seconds kPatience{150};
constexpr std::chrono::hours kAskAgain{6};
constexpr std::chrono::hours kLeastLife{1};

WallTime clock_now() { return std::chrono::system_clock::now(); }

WallTime later(WallTime from, Duration span) { return from + std::chrono::duration_cast<WallTime::duration>(span); }

// The listeners of the site answer.
class SiteSolver final : public pki::ChallengeSolver {
 public:
  explicit SiteSolver(const AcmeTools& tools) noexcept : tools_(tools) {}
  std::string type() const override { return tools_.options.challenge; }
  Status begin(const pki::Challenge& challenge) override {
    tls::SslContextPtr context;
    if (challenge.type == "tls-alpn-01") {
      RPX_TRY(context, pki::proof_context(challenge));
    }
    token_ = challenge.token;
    key_ = challenge.type == "tls-alpn-01" ? lower(challenge.name) : challenge.token;
    RPX_TRY_VOID(tools_.store.write_challenge(challenge.type, key_, challenge.key_authorization));
    if (tools_.challenges.add({challenge.type, lower(challenge.name), challenge.token, challenge.key_authorization},
                              std::move(context), std::chrono::steady_clock::now()))
      return {};
    return self_error(ErrorKind::kInternal, "too many challenges are open");
  }
  void serve_until(Instant until) override { tools_.wait(until); }
  void end() override {
    tools_.challenges.remove(token_);
    tools_.store.remove_challenge(type(), key_);
  }

 private:
  const AcmeTools& tools_;
  std::string token_;
  std::string key_;  // what it is stored under
};

Result<std::string> eab_secret_of(const AcmeOptions& options) {
  if (options.eab_key_file.empty()) return std::string();
  RPX_TRY(std::string text, pki::read_secret_file(options.eab_key_file));
  auto secret = from_base64url(trim(std::string_view(text).substr(0, text.find_first_of("\r\n"))));
  pki::wipe(text);
  if (secret && !secret->empty()) return *std::move(secret);
  return self_error(ErrorKind::kConfig,
                    fmt::format("eab_key_file {}: expected a key in base64url", options.eab_key_file));
}

Result<pki::AcmeClient> open_client(const AcmeOptions& options, EVP_PKEY* account, SiteSolver& solver) {
  RPX_TRY(std::string secret, eab_secret_of(options));
  return pki::AcmeClient::open({.directory = options.directory,
                                .ca = options.ca,
                                .email = options.email,
                                .agree_tos = options.agree_tos,
                                .eab_kid = options.eab_kid,
                                .eab_secret = std::move(secret),
                                .deadline = std::chrono::steady_clock::now() + kPatience},
                               account, solver);
}

// An authority that does not say when is no reason to fail.
void decide_renewal(const AcmeTools& tools, pki::AcmeClient* client, X509* leaf, const AcmeHeld& held,
                    AcmeRecord& record) {
  const auto window = client != nullptr ? client->renewal_window(leaf) : std::optional<pki::RenewalWindow>();
  record.ask = later(clock_now(), kAskAgain);
  if (window && *window) {
    // A moment that was drawn before stays as long as it is in the window.
    if (record.renew < (*window)->from || record.renew > (*window)->until)
      record.renew = renewal_within(**window, tools.chance());
    record.ask = later(clock_now(), std::max<Duration>((*window)->ask_again, std::chrono::minutes(1)));
  } else if (record.renew == WallTime{} || window) {
    record.renew = usual_renewal(held, tools.chance());
  }
}

// The new one serves a handshake before it takes the place of the old.
Status prove_trial(const AcmeTools& tools, const std::string& name) {
  const tls::TlsOptions options = tools.certificates != nullptr ? tools.certificates->options() : tls::TlsOptions{};
  const tls::CertificateOptions files[] = {tools.store.trial_files_of(name)};
  RPX_TRY(const auto contexts, tls::ServerContexts::build(options, files, nullptr));
  const tls::Certificate& one = *contexts->holdings().front().certificate;
  if (!one.problem.empty()) return self_error(ErrorKind::kConfig, one.problem);
  if (!one.warning.empty()) return self_error(ErrorKind::kConfig, "what the authority sent is not fit: " + one.warning);
  RPX_TRY(const std::string served, tls::shake_hands_with_self(*contexts, name));
  if (served != one.fingerprint) return self_error(ErrorKind::kInternal, "another certificate answered");
  return {};
}

// Listeners serve it from now on; where another of the configuration is for the same name, that goes on being served.
void take_up(const AcmeTools& tools, const std::string& name, const std::string& fingerprint) {
  if (tools.certificates == nullptr) return;
  if (const Status done = tools.certificates->reload(); !done) {
    log_event(LogLevel::kError, "a certificate was obtained and is not served",
              {{"name", name}, {"why", done.error().detail}});
    return;
  }
  const auto served = tls::shake_hands_with_self(*tools.certificates->current(), name);
  if (!served)
    log_event(LogLevel::kError, "a certificate was obtained and is not served",
              {{"name", name}, {"why", served.error().detail}});
  else if (*served != fingerprint)
    log_event(LogLevel::kWarning, "a certificate was obtained, and [[certificate]] has another for its name",
              {{"name", name}});
}

Status obtain(const AcmeTools& tools, const std::string& name, pki::AcmeClient& client, AcmeRecord& record) {
  const AcmeStored before = look_at_stored(tools.store, name, clock_now());
  X509* replaced = before.held.usable && record.directory == tools.options.directory
                       ? before.certificate.chain.front().get()
                       : nullptr;
  const auto kind = pki::parse_key_kind(tools.options.kind).value_or(pki::KeyKind::kEcP256);
  RPX_TRY(const tls::KeyPtr key, pki::make_key(kind));
  RPX_TRY(const std::string chain, client.issue({name}, key.get(), replaced));
  RPX_TRY(std::string secret, pki::key_pem(key.get()));
  std::string both = chain + (chain.ends_with('\n') ? "" : "\n") + secret;
  pki::wipe(secret);
  const Status written = pki::write_secret_file(tools.store.trial_files_of(name).cert, both);
  pki::wipe(both);
  if (!written) return written;
  if (Status proven = prove_trial(tools, name); !proven) {
    tools.store.drop_trial(name);
    return proven;
  }
  RPX_TRY_VOID(tools.store.accept_trial(name));
  const AcmeStored now = look_at_stored(tools.store, name, clock_now());
  if (!now.held.usable) return self_error(ErrorKind::kIo, "what was stored cannot be read: " + now.certificate.problem);
  record = {.directory = tools.options.directory, .tried = clock_now()};
  // An authority whose window has passed already wants another at once; it is not given one again and again.
  record.next = later(record.tried, std::min<Duration>(kLeastLife, (now.held.until - now.held.from) / 10));
  decide_renewal(tools, &client, now.certificate.chain.front().get(), now.held, record);
  // It is there whether or not it can be remembered when to renew it.
  if (const Status noted = tools.store.write_record(name, record); !noted)
    log_event(LogLevel::kWarning, "when to renew a certificate is not remembered",
              {{"name", name}, {"why", noted.error().detail}});
  take_up(tools, name, now.certificate.fingerprint);
  return {};
}

Status obtain_with_account(const AcmeTools& tools, const std::string& name, AcmeRecord& record) {
  RPX_TRY_VOID(tools.store.write_record(name, record));
  RPX_TRY(const tls::KeyPtr account, tools.store.account_key());
  SiteSolver solver(tools);
  RPX_TRY(pki::AcmeClient client, open_client(tools.options, account.get(), solver));
  Status done = obtain(tools, name, client, record);
  if (!done && client.asked_to_wait() > Duration::zero())
    record.next = std::max(record.next, later(clock_now(), client.asked_to_wait()));
  return done;
}

}  // namespace

AcmeStored look_at_stored(const AcmeStore& store, const std::string& name, WallTime now) {
  AcmeStored out{.held = {}, .certificate = tls::load_certificate(store.files_of(name), now)};
  if (!out.certificate.problem.empty() || out.certificate.chain.empty()) return out;
  const pki::CertificateFacts facts = pki::facts_of(out.certificate.chain.front().get());
  const auto address = IpAddress::parse(name);
  const bool is_for = address
                          ? std::ranges::find(out.certificate.addresses, *address) != out.certificate.addresses.end()
                          : std::ranges::find(out.certificate.names, name) != out.certificate.names.end();
  out.held = {.usable = is_for, .from = facts.from, .until = facts.until};
  return out;
}

Status obtain_certificate(const AcmeTools& tools, const std::string& name, AcmeRecord& record) {
  ++record.failures;
  record.tried = clock_now();
  record.next = later(record.tried, back_off(record.failures, tools.chance()));
  record.error = "the attempt was cut short";
  Status done = obtain_with_account(tools, name, record);
  if (done) return {};
  record.error = done.error().detail;
  std::ranges::replace(record.error, '\n', ' ');
  if (const Status noted = tools.store.write_record(name, record); !noted && done.error().kind != ErrorKind::kIo)
    log_event(LogLevel::kWarning, "what came of an attempt is not remembered",
              {{"name", name}, {"why", noted.error().detail}});
  return done;
}

Status ask_for_renewal(const AcmeTools& tools, const std::string& name, AcmeRecord& record) {
  const AcmeStored stored = look_at_stored(tools.store, name, clock_now());
  if (!stored.held.usable) return {};
  SiteSolver solver(tools);
  Result<pki::AcmeClient> client = open_client(tools.options, nullptr, solver);
  decide_renewal(tools, client ? &*client : nullptr, stored.certificate.chain.front().get(), stored.held, record);
  return tools.store.write_record(name, record);
}

}  // namespace rpx::proxy
