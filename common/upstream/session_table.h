// Which server has which session, as far as it was learned: a bounded table that all workers share, and that outlives
// reloads and, as text, the process. A key is a hash of what names a session, so that nothing of it can be read here.
// Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/units.h"

namespace rpx::upstream {

class SessionTable {
 public:
  /// A server is known by a hash of its URL; 0 is none.
  struct Session {
    std::uint64_t key = 0;
    std::uint64_t server = 0;
    Instant used{};
  };

  /// Remembers `most` sessions, about, each for `idle` without a request.
  SessionTable(std::size_t most, Duration idle) { configure(most, idle); }
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;
  /// Under other bounds from now on; what is over them goes with the next session that comes.
  void configure(std::size_t most, Duration idle) noexcept;

  /// The server that has the session, which counts as used; 0 when none is known.
  std::uint64_t find(std::uint64_t key, Instant now);
  /// That server has it from now on. Who was not used for longest makes room.
  void bind(std::uint64_t key, std::uint64_t server, Instant now);

  std::size_t size() const;
  /// Changes with every session that comes.
  std::uint64_t version() const noexcept { return version_.load(std::memory_order_relaxed); }
  /// Those that are not forgotten, the one used last first.
  std::vector<Session> sessions(Instant now) const;

 private:
  static constexpr std::size_t kShards = 16;
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::list<Session> by_use;  // the last one used comes first
    std::unordered_map<std::uint64_t, std::list<Session>::iterator> by_key;
  };
  Shard& shard_of(std::uint64_t key) noexcept { return shards_[key >> 60]; }
  bool is_over(const Session& session, Instant now) const noexcept;

  std::array<Shard, kShards> shards_;
  std::atomic<std::size_t> most_in_shard_{1};
  std::atomic<Duration::rep> idle_{0};
  std::atomic<std::uint64_t> version_{0};
};

/// A line for each session of `upstream`, which has no blanks in its name. Times are those of the wall clock.
std::string format_sessions(std::string_view upstream, const std::vector<SessionTable::Session>& sessions, Instant now,
                            WallTime wall);
/// Takes the lines about `upstream` into `table`. What cannot be read, or is from the future, is passed over.
void restore_sessions(std::string_view text, std::string_view upstream, SessionTable& table, Instant now,
                      WallTime wall);

}  // namespace rpx::upstream
