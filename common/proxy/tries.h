// One request's way from server to server: whom it has tried, who comes next, how long it waits before that, and
// whether there is another try at all. forward.cc, the only caller, makes the tries. On the worker's thread.
#pragma once

#include <array>

#include "proxy/forward_head.h"
#include "upstream/retry.h"

namespace rpx::proxy {

class Tries {
 public:
  /// `ask` outlives it.
  explicit Tries(const Ask& ask) noexcept;

  /// The next server, where that takes no waiting; null otherwise, or when there is none: next() knows.
  upstream::Member* at_once();
  /// The next server, with a place where it has max_connections; waits for it. Errors: kNoServer, kPoolFull
  /// (kUpstream), kReset and kClosed (kClient) when the client goes away meanwhile.
  rt::Task<Result<upstream::Member*>> next();

  /// A further server for the same try, with a place where it has max_connections, as far as retries go; null where
  /// there is none that is well, or the budget is spent.
  upstream::Member* second(upstream::Place& place) noexcept;

  /// What to do with the reply that busy.call has the head of: pass it on (kGiveUp), or ask another server.
  upstream::Verdict after_reply();
  /// What to do after a try without a reply.
  upstream::Verdict after_failure(const Error& error);

 private:
  upstream::Member* take(upstream::Member* member) noexcept;
  std::span<upstream::Member* const> tried() const noexcept { return {tried_.data(), count_}; }
  bool has_other() const noexcept;
  upstream::Verdict again(bool free = false) noexcept;
  upstream::Verdict after_retry_after(Duration asked);
  upstream::Failure describe(upstream::Failure failure) const noexcept;

  // Room for the servers a request may try before it begins anew.
  static constexpr std::size_t kMost = 16;
  const Ask& ask_;
  std::array<upstream::Member*, kMost> tried_;
  std::size_t count_ = 0;      // of tried_
  std::uint32_t asked_ = 0;    // servers, repetitions included
  std::uint32_t counted_ = 0;  // those of them that retry.attempts minds
  Duration pause_{};           // before the next one
  Instant hold_until_{};
  std::uint64_t key_;
};

}  // namespace rpx::proxy
