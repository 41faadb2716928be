// BlockTable: what is blocked, as of one moment: the set that is asked for every connection, and the entries it was
// made of, with their hits. Built off the event loops and then immutable but for the hits; any thread.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "policy/blocklist_line.h"
#include "policy/ip_set.h"

namespace rpx::policy {

/// An entry as whoever asks sees it.
struct BlockEntry {
  IpPrefix prefix;
  std::optional<WallTime> until;
  std::string reason;
  std::string source;  ///< path of the file, or "ban"
  std::uint64_t hits = 0;
};

class BlockTable {
 public:
  class Builder;

  /// Whether connections and requests of `ip` are refused.
  bool blocks(const IpAddress& ip) const noexcept { return set_.contains(ip) && !contains(allow_, ip); }
  /// Counts a refusal with the entry it is due to, the narrowest that holds `ip`.
  void count_hit(const IpAddress& ip) const noexcept;
  /// That entry, be it allowed otherwise or not; nothing when there is none.
  std::optional<BlockEntry> find(const IpAddress& ip) const;
  /// Which of the allowed prefixes holds `ip`.
  std::optional<IpPrefix> allowed_by(const IpAddress& ip) const;

  std::size_t size() const noexcept { return v4_.rows.size() + v6_.rows.size(); }
  /// IPv4 first, in the order of their addresses; `i` below size().
  BlockEntry entry(std::size_t i) const;
  /// When the first of them runs out; nothing when all are for good.
  std::optional<WallTime> next_expiry() const noexcept { return next_expiry_; }
  /// What is answered; 0 = the connection is closed.
  std::uint16_t status() const noexcept { return status_; }
  /// Differs between any two tables of a process.
  std::uint32_t generation() const noexcept { return generation_; }
  std::size_t bytes() const noexcept;

 private:
  static constexpr std::uint32_t kNever = ~0U;
  template <class Number>
  struct Row {
    Number first{};
    std::uint32_t until = kNever;  // seconds since 1970
    std::uint32_t reason = 0;      // index of texts_
    std::uint16_t source = 0;      // index of sources_
    std::uint8_t bits = 0;
  };
  template <class Number>
  struct Family {
    std::vector<Row<Number>> rows;      // by first, then bits
    std::vector<std::uint8_t> lengths;  // that occur, longest first
    mutable std::unique_ptr<std::atomic<std::uint32_t>[]> hits;
    std::optional<std::size_t> find(const Number& number) const noexcept;
    void take_hits(const Family& before);
  };
  template <class Number>
  BlockEntry entry_of(const Family<Number>& family, std::size_t i) const;

  IpSet set_;
  std::vector<IpPrefix> allow_;
  Family<std::uint32_t> v4_;
  Family<Wide> v6_;
  std::vector<std::string> texts_;
  std::vector<std::string> sources_;
  std::optional<WallTime> next_expiry_;
  std::uint16_t status_ = 0;
  std::uint32_t generation_ = 0;
};

/// Collects entries in any order. Of two with the same prefix the one that lasts longer stays, the first where both do.
class BlockTable::Builder {
 public:
  explicit Builder(WallTime now);
  ~Builder();
  /// Entries added from now on are said to come from `name`, but for automatic bans (policy/ban.h): those from "ban".
  void source(std::string name);
  /// One that has run out already is left out.
  void add(const IpPrefix& prefix, const std::optional<WallTime>& until, std::string_view reason);
  /// Hits of `previous` (may be null) are kept for the prefixes that are in both.
  std::shared_ptr<const BlockTable> build(std::vector<IpPrefix> allow, std::uint16_t status,
                                          const BlockTable* previous);

 private:
  struct Interned;
  std::uint32_t text(std::string_view reason);
  std::shared_ptr<BlockTable> table_;
  std::unique_ptr<Interned> interned_;
  std::uint32_t now_;
};

}  // namespace rpx::policy
