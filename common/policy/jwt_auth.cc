#include "policy/jwt_auth.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/result.h"

namespace rpx::policy {
namespace {

// After a fetch that failed; also the least between two when the configuration says 0.
constexpr std::chrono::seconds kAfterFailure{2};

}  // namespace

JwtAuth::JwtAuth(const JwtOptions& options)
    : options_(options), realm_(quoted_realm(options.realm)), file_(options.file) {}

Result<std::shared_ptr<JwtAuth>> JwtAuth::open(const JwtOptions& options) {
  std::shared_ptr<JwtAuth> out(new JwtAuth(options));
  RPX_TRY_VOID(out->reread());
  return out;
}

void JwtAuth::publish(JsonWebKeys keys) {
  const std::scoped_lock lock(mutex_);
  snapshot_ = std::make_shared<const Snapshot>(snapshot_ ? snapshot_->generation + 1 : 1, std::move(keys));
}

Result<bool> JwtAuth::reread() {
  if (options_.file.empty()) return false;
  return file_.reread([this](const std::string& text) -> Status {
    RPX_TRY(JsonWebKeys keys, JsonWebKeys::parse(text, JsonWebKeys::From::kFile));
    publish(std::move(keys));
    return {};
  });
}

void JwtAuth::look(Instant) {
  const Result<bool> read = reread();
  file_.tell(read, "the keys for tokens were not read again, the old ones stay");
  if (read && *read)
    log_event(LogLevel::kInfo, "the keys for tokens were read again",
              {{"file", options_.file}, {"keys", std::to_string(snapshot()->keys.size())}});
}

JwtVerdict JwtAuth::judge(std::string_view token, Instant now, WallTime wall) {
  const std::shared_ptr<const Snapshot> held = snapshot();
  if (!held) return {.fault = JwtFault::kUnknownKey, .why = "there are no keys yet", .identity = {}, .until = {}};
  const CredentialMemory::Mark mark = memory_.mark_of(held->generation, token);
  if (auto [identity, known] = memory_.find(mark, now); known)
    return {.fault = JwtFault::kNone, .why = {}, .identity = std::move(identity), .until = {}};
  JwtVerdict verdict = judge_token(token, held->keys, options_, wall);
  if (verdict.fault == JwtFault::kNone && options_.remember > Duration::zero()) {
    // What wall clocks do meanwhile is not seen: that is what `remember` bounds.
    const Duration left = verdict.until == WallTime::max() ? options_.remember
                                                           : std::chrono::duration_cast<Duration>(verdict.until - wall);
    memory_.add(mark, now + std::min(left, options_.remember), verdict.identity);
  }
  return verdict;
}

bool JwtAuth::begin_fetch(Instant now, bool unknown_key) {
  if (options_.url.empty()) return false;
  const std::scoped_lock lock(mutex_);
  if (fetching_.load(std::memory_order_relaxed)) return false;
  const bool first = asked_ == Instant::min();
  const bool old = fetched_ == Instant::min() || now - fetched_ >= options_.refresh;
  const Duration pause = old ? Duration(kAfterFailure) : std::max<Duration>(options_.unknown_key, kAfterFailure / 20);
  if (!(old || unknown_key) || (!first && now - asked_ < pause)) return false;
  asked_ = now;
  fetching_.store(true, std::memory_order_release);
  return true;
}

Status JwtAuth::take_keys(const std::string& text, Instant now) {
  // By one at a time, as begin_fetch has it. What was good by the same keys stays good, and is not forgotten.
  if (text != taken_) {
    auto keys = JsonWebKeys::parse(text, JsonWebKeys::From::kUrl);
    if (!keys) return std::unexpected(keys.error());
    if (!keys->complaint().empty())
      log_event(LogLevel::kWarning, "a key for tokens was left out",
                {{"url", options_.url}, {"why", keys->complaint()}});
    publish(std::move(*keys));
    taken_ = text;
  }
  const std::scoped_lock lock(mutex_);
  fetched_ = now;
  fetching_.store(false, std::memory_order_release);
  return {};
}

void JwtAuth::fail(Instant now) noexcept {
  const std::scoped_lock lock(mutex_);
  asked_ = now;
  fetching_.store(false, std::memory_order_release);
}

std::string JwtAuth::challenge(std::string_view error, std::string_view why) const {
  std::string out = fmt::format(R"(Bearer realm="{}")", realm_);
  if (!error.empty()) out += fmt::format(R"(, error="{}", error_description="{}")", error, why);
  return out;
}

}  // namespace rpx::policy
