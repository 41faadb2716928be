#include "proxy/acme_keeper.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <utility>

#include "base/events.h"
#include "base/log.h"
#include "base/result.h"
#include "pki/dial.h"

namespace rpx::proxy {
namespace {

// The wall clock may be set, and machines sleep.
constexpr Duration kLongestSleep = std::chrono::minutes(1);
// Another process holds the store's lock.
constexpr Duration kOthersWork = std::chrono::seconds(2);

WallTime keeper_now() { return std::chrono::system_clock::now(); }

double draw() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

void report_attempt(const std::string& name, const AcmeRecord& record, const AcmeHeld& held, const Status& done) {
  const std::string until = held.usable ? format_rfc3339(held.until) : std::string();
  if (done) {
    log_event(LogLevel::kNotice, "certificate obtained",
              {{"name", name}, {"until", until}, {"renewed", format_rfc3339(record.renew)}});
    publish(EventKind::kCertificate,
            {{"name", name}, {"action", "obtained"}, {"not_after", until}, {"why", std::string_view()}});
    return;
  }
  log_event(LogLevel::kError, "no certificate was obtained",
            {{"name", name},
             {"reason", done.error().detail},
             {"next", format_rfc3339(record.next)},
             {"meanwhile", held.usable ? "the one in use stays, until " + until : "its name is not served"}});
  publish(EventKind::kCertificate,
          {{"name", name}, {"action", "not obtained"}, {"not_after", until}, {"why", done.error().detail}});
}

}  // namespace

AcmeKeeper::AcmeKeeper(net::Resolver& names) : end_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), resolver_(names) {}

void AcmeKeeper::configure(const AcmeOptions& options, std::shared_ptr<Certificates> certificates,
                           std::shared_ptr<tls::Challenges> challenges) {
  const std::scoped_lock lock(mutex_);
  Names next;
  for (const std::string& host : options.hosts) {
    const auto known = names_.find(host);
    next.emplace(host, known != names_.end() && options.store == options_.store ? known->second : Name{});
  }
  names_ = std::move(next);
  options_ = options;
  certificates_ = std::move(certificates);
  challenges_ = std::move(challenges);
  challenges_->look_in(names_.empty() ? nullptr : std::make_shared<const StoredChallenges>(AcmeStore(options.store)));
  changed_.notify_all();
  if (started_ && !thread_.joinable() && !names_.empty() && !ending_) thread_ = std::thread([this] { run(); });
}

void AcmeKeeper::start() {
  const std::scoped_lock lock(mutex_);
  started_ = true;
  if (!thread_.joinable() && !names_.empty() && !ending_) thread_ = std::thread([this] { run(); });
}

void AcmeKeeper::stop() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(end_fd_.get(), &one, sizeof one);
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool AcmeKeeper::is_ending() {
  const std::scoped_lock lock(mutex_);
  return ending_;
}

void AcmeKeeper::wait_until(Instant until) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, until, [this] { return ending_; });
}

const std::string* AcmeKeeper::find_due(Duration& wait) {
  const Instant now = std::chrono::steady_clock::now();
  const WallTime wall = keeper_now();
  wait = kLongestSleep;
  for (const auto& [name, state] : names_) {
    Duration left{};
    if (state.known && !state.hurried) left = next_moment(state.record, state.held, options_.directory, wall) - wall;
    left = std::max<Duration>(left, state.not_before - now);
    if (left <= Duration::zero()) return &name;
    wait = std::min(wait, left);
  }
  return nullptr;
}

void AcmeKeeper::run() {
  pthread_setname_np(pthread_self(), "rpx-acme");
  const pki::WaitsEndWith ending(end_fd_.get(), resolver_);
  std::unique_lock lock(mutex_);
  while (!ending_) {
    Duration wait{};
    if (const std::string* due = find_due(wait))
      work_on(lock, std::string(*due));
    else
      changed_.wait_for(lock, wait);
  }
}

// With what was configured when it began; nothing is locked meanwhile.
void AcmeKeeper::work_on(std::unique_lock<std::mutex>& lock, const std::string& name) {
  const AcmeOptions options = options_;
  const auto certificates = certificates_;
  const auto challenges = challenges_;
  Name state = names_[name];
  names_[name].busy = true;
  names_[name].hurried = false;
  lock.unlock();
  const AcmeStore store(options.store);
  const AcmeTools tools{.options = options,
                        .store = store,
                        .challenges = *challenges,
                        .certificates = certificates.get(),
                        .wait = [this](Instant until) { wait_until(until); },
                        .chance = draw};
  const Result<AcmeStep> done = attempt(tools, name, state);
  if (!is_ending() && (!done || *done == AcmeStep::kObtain))
    report_attempt(name, state.record, state.held, done ? Status{} : Status(std::unexpected(done.error())));
  lock.lock();
  if (!done) ++failed_;
  if (done && *done == AcmeStep::kObtain) ++obtained_;
  const auto still = names_.find(name);
  if (still == names_.end() || options_.store != options.store) return;
  state.busy = false;
  state.hurried = still->second.hurried;
  still->second = std::move(state);
}

Result<AcmeStep> AcmeKeeper::attempt(const AcmeTools& tools, const std::string& name, Name& state) const {
  // In memory alone: it is the disk that does not work.
  const auto fail = [&state](const Error& error) -> Result<AcmeStep> {
    state.known = true;
    AcmeRecord& record = state.record;
    ++record.failures;
    record.error = error.detail;
    record.tried = keeper_now();
    record.next = record.tried + std::chrono::duration_cast<WallTime::duration>(back_off(record.failures, draw()));
    return std::unexpected(error);
  };
  const std::string before = state.fingerprint;
  const auto look = [&] {
    AcmeStored stored = look_at_stored(tools.store, name, keeper_now());
    state.held = stored.held;
    state.fingerprint = stored.held.usable ? std::move(stored.certificate.fingerprint) : std::string();
  };
  const bool hurried = std::exchange(state.hurried, false);
  look();
  if (const Status made = tools.store.prepare(); !made) return fail(made.error());
  const Result<net::UniqueFd> turn = tools.store.lock();
  if (!turn) return fail(turn.error());
  if (!*turn) {
    state.hurried = hurried;
    state.not_before = std::chrono::steady_clock::now() + kOthersWork;
    return AcmeStep::kNothing;
  }
  // Somebody else may have done it meanwhile.
  Result<AcmeRecord> record = tools.store.read_record(name);
  if (!record) return fail(record.error());
  state.record = *std::move(record);
  state.known = true;
  look();
  const AcmeStep step =
      hurried ? AcmeStep::kObtain : next_step(state.record, state.held, tools.options.directory, keeper_now());
  Status done;
  if (step == AcmeStep::kObtain) done = obtain_certificate(tools, name, state.record);
  if (step == AcmeStep::kAsk) done = ask_for_renewal(tools, name, state.record);
  if (step == AcmeStep::kNothing && !before.empty() && before != state.fingerprint && tools.certificates != nullptr)
    done = tools.certificates->reload();
  look();
  if (done) return step;
  // Whatever has failed, it is not done again at once.
  const bool at_once = next_step(state.record, state.held, tools.options.directory, keeper_now()) != AcmeStep::kNothing;
  return at_once ? fail(done.error()) : std::unexpected(done.error());
}

AcmeView AcmeKeeper::view() {
  const std::scoped_lock lock(mutex_);
  AcmeView out;
  out.challenges =
      challenges_ ? challenges_->list(std::chrono::steady_clock::now()) : std::vector<tls::ChallengeAnswer>();
  if (names_.empty()) return out;
  out.directory = options_.directory;
  out.challenge = options_.challenge;
  out.store = options_.store;
  out.obtained = obtained_;
  out.failed = failed_;
  const WallTime now = keeper_now();
  for (const auto& [name, state] : names_) {
    AcmeNameView& one = out.names.emplace_back();
    one.name = name;
    one.state = state.busy                   ? "obtaining"
                : state.record.failures != 0 ? "failing"
                : state.held.usable          ? "valid"
                                             : "waiting";
    one.fingerprint = state.fingerprint;
    if (state.held.usable) one.until = state.held.until;
    one.renew = state.record.renew;
    one.tried = state.record.tried;
    one.next = next_moment(state.record, state.held, options_.directory, now);
    one.failures = state.record.failures;
    one.error = state.record.error;
  }
  return out;
}

Result<std::vector<std::string>> AcmeKeeper::renew(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> out;
  for (auto& [known, state] : names_) {
    if (!name.empty() && known != name) continue;
    state.hurried = true;
    out.push_back(known);
  }
  changed_.notify_all();
  if (!out.empty()) return out;
  return self_error(ErrorKind::kNotFound, name.empty() ? std::string("[acme] has no hosts: there is nothing to renew")
                                                       : fmt::format("\"{}\" is none of the hosts of [acme]", name));
}

}  // namespace rpx::proxy
