#include "tls/challenges.h"

#include <algorithm>

namespace rpx::tls {

bool Challenges::add(ChallengeAnswer answer, SslContextPtr context, Instant now) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(open_, [&](const Open& one) { return one.until <= now || one.answer.token == answer.token; });
  if (open_.size() >= kMost) return false;
  open_.push_back({std::move(answer), std::move(context), now + kLife});
  count_.store(open_.size(), std::memory_order_release);
  return true;
}

bool Challenges::remove(std::string_view token) {
  const std::scoped_lock lock(mutex_);
  const auto gone = std::erase_if(open_, [token](const Open& one) { return one.answer.token == token; });
  count_.store(open_.size(), std::memory_order_release);
  return gone != 0;
}

std::optional<std::string> Challenges::find_http(std::string_view path, Instant now) const {
  if (!path.starts_with(kChallengePath)) return std::nullopt;
  const std::string_view token = path.substr(kChallengePath.size());
  if (count_.load(std::memory_order_acquire) != 0) {
    const std::scoped_lock lock(mutex_);
    for (const Open& one : open_)
      if (one.answer.token == token && one.answer.type == "http-01" && now < one.until)
        return one.answer.key_authorization;
  }
  const auto source = source_.load();
  std::string found = source ? source->find_http(token) : std::string();
  return found.empty() ? std::nullopt : std::optional(std::move(found));
}

SslContextPtr Challenges::find_tls(std::string_view name, Instant now) const {
  if (count_.load(std::memory_order_acquire) != 0) {
    const std::scoped_lock lock(mutex_);
    for (const Open& one : open_) {
      if (!one.context || one.answer.name != name || now >= one.until) continue;
      SSL_CTX_up_ref(one.context.get());
      return SslContextPtr(one.context.get());
    }
  }
  const auto source = source_.load();
  return source ? source->find_tls(name) : SslContextPtr();
}

std::vector<ChallengeAnswer> Challenges::list(Instant now) const {
  std::vector<ChallengeAnswer> out;
  const std::scoped_lock lock(mutex_);
  for (const Open& one : open_)
    if (now < one.until) out.push_back(one.answer);
  return out;
}

}  // namespace rpx::tls
