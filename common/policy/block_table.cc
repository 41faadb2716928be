#include "policy/block_table.h"

#include "policy/ban.h"

#include <algorithm>
#include <unordered_map>

namespace rpx::policy {
namespace {

IpRange<std::uint32_t> range_of(std::uint32_t first, std::uint8_t bits) noexcept { return range_of_v4(first, bits); }
IpRange<Wide> range_of(const Wide& first, std::uint8_t bits) noexcept { return range_of_v6(first, bits); }

std::uint32_t seconds_of(WallTime time) noexcept {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(time.time_since_epoch()).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 0, ~0U - 1));
}

WallTime time_of(std::uint32_t seconds) noexcept { return WallTime(std::chrono::seconds(seconds)); }

std::atomic<std::uint32_t> g_generations{0};

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

}  // namespace

struct BlockTable::Builder::Interned {
  std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>> ids;
};

template <class Number>
std::optional<std::size_t> BlockTable::Family<Number>::find(const Number& number) const noexcept {
  for (const std::uint8_t bits : lengths) {
    const Number first = range_of(number, bits).first;
    const auto at = std::partition_point(rows.begin(), rows.end(), [&](const Row<Number>& row) {
      return row.first < first || (row.first == first && row.bits < bits);
    });
    if (at != rows.end() && at->first == first && at->bits == bits) return static_cast<std::size_t>(at - rows.begin());
  }
  return std::nullopt;
}

template <class Number>
void BlockTable::Family<Number>::take_hits(const Family& before) {
  const auto comes_before = [](const Row<Number>& a, const Row<Number>& b) {
    return a.first < b.first || (a.first == b.first && a.bits < b.bits);
  };
  std::size_t old = 0;
  for (std::size_t i = 0; i < rows.size() && old < before.rows.size(); ++i) {
    while (old < before.rows.size() && comes_before(before.rows[old], rows[i])) ++old;
    if (old < before.rows.size() && !comes_before(rows[i], before.rows[old]))
      hits[i].store(before.hits[old].load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
}

template <class Number>
BlockEntry BlockTable::entry_of(const Family<Number>& family, std::size_t i) const {
  const Row<Number>& row = family.rows[i];
  BlockEntry out;
  out.prefix = {address_of(row.first), row.bits};
  if (row.until != kNever) out.until = time_of(row.until);
  out.reason = texts_[row.reason];
  out.source = sources_[row.source];
  out.hits = family.hits[i].load(std::memory_order_relaxed);
  return out;
}

void BlockTable::count_hit(const IpAddress& ip) const noexcept {
  if (ip.is_v4()) {
    if (const auto at = v4_.find(number_of_v4(ip))) v4_.hits[*at].fetch_add(1, std::memory_order_relaxed);
  } else if (const auto at = v6_.find(number_of_v6(ip))) {
    v6_.hits[*at].fetch_add(1, std::memory_order_relaxed);
  }
}

std::optional<BlockEntry> BlockTable::find(const IpAddress& ip) const {
  if (ip.is_v4()) {
    const auto at = v4_.find(number_of_v4(ip));
    return at ? std::optional(entry_of(v4_, *at)) : std::nullopt;
  }
  const auto at = v6_.find(number_of_v6(ip));
  return at ? std::optional(entry_of(v6_, *at)) : std::nullopt;
}

std::optional<IpPrefix> BlockTable::allowed_by(const IpAddress& ip) const {
  const auto at = std::ranges::find_if(allow_, [&](const IpPrefix& prefix) { return prefix.contains(ip); });
  return at == allow_.end() ? std::nullopt : std::optional(*at);
}

BlockEntry BlockTable::entry(std::size_t i) const {
  return i < v4_.rows.size() ? entry_of(v4_, i) : entry_of(v6_, i - v4_.rows.size());
}

std::size_t BlockTable::bytes() const noexcept {
  return set_.v4.bytes() + set_.v6.bytes() + v4_.rows.capacity() * (sizeof(Row<std::uint32_t>) + 4) +
         v6_.rows.capacity() * (sizeof(Row<Wide>) + 4);
}

BlockTable::Builder::Builder(WallTime now)
    : table_(new BlockTable), interned_(std::make_unique<Interned>()), now_(seconds_of(now)) {
  // Rounded down: what runs out within this second still counts.
  if (time_of(now_) > now && now_ > 0) --now_;
  table_->texts_.emplace_back();
  interned_->ids.emplace("", 0);
  source("ban");
  source("");
}

BlockTable::Builder::~Builder() = default;

void BlockTable::Builder::source(std::string name) { table_->sources_.push_back(std::move(name)); }

std::uint32_t BlockTable::Builder::text(std::string_view reason) {
  if (reason.empty()) return 0;
  const auto known = interned_->ids.find(reason);
  if (known != interned_->ids.end()) return known->second;
  const auto id = static_cast<std::uint32_t>(table_->texts_.size());
  table_->texts_.emplace_back(reason);
  interned_->ids.emplace(std::string(reason), id);
  return id;
}

void BlockTable::Builder::add(const IpPrefix& prefix, const std::optional<WallTime>& until, std::string_view reason) {
  const std::uint32_t end = until ? seconds_of(*until) : kNever;
  if (end <= now_) return;
  const std::size_t last = table_->sources_.size() - 1;
  const auto from = static_cast<std::uint16_t>(reason.starts_with(kBanReason) ? 0 : last);
  if (prefix.address.is_v4())
    table_->v4_.rows.push_back({number_of_v4(prefix.address), end, text(reason), from, prefix.bits});
  else
    table_->v6_.rows.push_back({number_of_v6(prefix.address), end, text(reason), from, prefix.bits});
}

std::shared_ptr<const BlockTable> BlockTable::Builder::build(std::vector<IpPrefix> allow, std::uint16_t status,
                                                             const BlockTable* previous) {
  std::uint32_t next = kNever;
  const auto settle = [&next](auto& family, auto& set) {
    auto& rows = family.rows;
    const auto key = [](const auto& row) { return std::pair(row.first, row.bits); };
    std::ranges::sort(rows, [&key](const auto& a, const auto& b) {
      return key(a) != key(b) ? key(a) < key(b) : a.until != b.until ? a.until > b.until : a.source < b.source;
    });
    const auto same = std::ranges::unique(rows, {}, key);
    rows.erase(same.begin(), same.end());
    rows.shrink_to_fit();
    bool lengths[129] = {};
    for (const auto& row : rows) {
      set.add(range_of(row.first, row.bits));
      lengths[row.bits] = true;
      next = std::min(next, row.until);
    }
    set.finish();
    for (int bits = 128; bits >= 0; --bits)
      if (lengths[bits]) family.lengths.push_back(static_cast<std::uint8_t>(bits));
    family.hits = std::make_unique<std::atomic<std::uint32_t>[]>(rows.size());
  };
  settle(table_->v4_, table_->set_.v4);
  settle(table_->v6_, table_->set_.v6);
  if (previous) {
    table_->v4_.take_hits(previous->v4_);
    table_->v6_.take_hits(previous->v6_);
  }
  if (next != kNever) table_->next_expiry_ = time_of(next);
  table_->allow_ = std::move(allow);
  table_->status_ = status;
  table_->generation_ = g_generations.fetch_add(1, std::memory_order_relaxed) + 1;
  return std::move(table_);
}

}  // namespace rpx::policy
