#include "upstream/session_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "base/text.h"

namespace rpx::upstream {
namespace {

std::optional<std::uint64_t> parse_hash(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::int64_t seconds_of(WallTime wall) noexcept {
  return std::chrono::duration_cast<std::chrono::seconds>(wall.time_since_epoch()).count();
}

}  // namespace

void SessionTable::configure(std::size_t most, Duration idle) noexcept {
  most_in_shard_.store(std::max<std::size_t>(1, (most + kShards - 1) / kShards), std::memory_order_relaxed);
  idle_.store(idle.count(), std::memory_order_relaxed);
}

bool SessionTable::is_over(const Session& session, Instant now) const noexcept {
  return now - session.used > Duration(idle_.load(std::memory_order_relaxed));
}

std::uint64_t SessionTable::find(std::uint64_t key, Instant now) {
  Shard& shard = shard_of(key);
  const std::scoped_lock lock(shard.mutex);
  const auto found = shard.by_key.find(key);
  if (found == shard.by_key.end()) return 0;
  const auto session = found->second;
  if (is_over(*session, now)) {
    shard.by_use.erase(session);
    shard.by_key.erase(found);
    return 0;
  }
  session->used = std::max(session->used, now);
  shard.by_use.splice(shard.by_use.begin(), shard.by_use, session);
  return session->server;
}

void SessionTable::bind(std::uint64_t key, std::uint64_t server, Instant now) {
  Shard& shard = shard_of(key);
  const std::scoped_lock lock(shard.mutex);
  if (const auto found = shard.by_key.find(key); found != shard.by_key.end()) {
    if (found->second->server != server) version_.fetch_add(1, std::memory_order_relaxed);
    found->second->server = server;
    found->second->used = std::max(found->second->used, now);
    shard.by_use.splice(shard.by_use.begin(), shard.by_use, found->second);
    return;
  }
  const std::size_t most = most_in_shard_.load(std::memory_order_relaxed);
  while (!shard.by_use.empty() && (shard.by_use.size() >= most || is_over(shard.by_use.back(), now))) {
    shard.by_key.erase(shard.by_use.back().key);
    shard.by_use.pop_back();
  }
  shard.by_use.push_front({key, server, now});
  shard.by_key.emplace(key, shard.by_use.begin());
  version_.fetch_add(1, std::memory_order_relaxed);
}

std::size_t SessionTable::size() const {
  std::size_t out = 0;
  for (const Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    out += shard.by_use.size();
  }
  return out;
}

std::vector<SessionTable::Session> SessionTable::sessions(Instant now) const {
  std::vector<Session> out;
  for (const Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    std::ranges::copy_if(shard.by_use, std::back_inserter(out), [&](const Session& one) { return !is_over(one, now); });
  }
  std::ranges::sort(out, std::ranges::greater{}, &Session::used);
  return out;
}

std::string format_sessions(std::string_view upstream, const std::vector<SessionTable::Session>& sessions, Instant now,
                            WallTime wall) {
  std::string out;
  for (const SessionTable::Session& one : sessions)
    fmt::format_to(std::back_inserter(out), "{} {:016x} {:016x} {}\n", upstream, one.key, one.server,
                   seconds_of(wall - std::chrono::duration_cast<WallTime::duration>(now - one.used)));
  return out;
}

void restore_sessions(std::string_view text, std::string_view upstream, SessionTable& table, Instant now,
                      WallTime wall) {
  std::vector<SessionTable::Session> found;
  for (const std::string_view line : split(text, '\n')) {
    if (!line.starts_with(upstream) || line.substr(upstream.size(), 1) != " ") continue;
    const std::vector<std::string_view> words = split(line, ' ');
    if (words.size() != 4) continue;
    const auto key = parse_hash(words[1]);
    const auto server = parse_hash(words[2]);
    const auto used = parse_uint(words[3]);
    const std::int64_t ago = used ? seconds_of(wall) - static_cast<std::int64_t>(*used) : -1;
    if (key && server && ago >= 0) found.push_back({*key, *server, now - std::chrono::seconds(ago)});
  }
  // The ones used longest ago come first, so that those used last stay.
  std::ranges::reverse(found);
  for (const SessionTable::Session& one : found) table.bind(one.key, one.server, one.used);
}

}  // namespace rpx::upstream
