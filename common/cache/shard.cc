#include "cache/shard.h"

#include <algorithm>

namespace rpx::cache {

void Store::Shard::insert(Entry& entry, std::uint32_t stamp) {
  if (count == buckets.size() && shift > 4) grow();
  if (entry.rare_)
    for (Label& label : entry.rare_->labels) link(label);
  Entry*& first = buckets[bucket_of(entry.links_.hash)];
  entry.links_.chain = first;
  first = &entry;
  ++count;
  queue_of(entry).push(entry, stamp);
}

EntryPtr Store::Shard::remove(Entry& entry) noexcept {
  queue_of(entry).take_out(entry);
  if (entry.rare_)
    for (Label& label : entry.rare_->labels) unlink(label);
  Entry** link = &buckets[bucket_of(entry.links_.hash)];
  while (*link != &entry) link = &(*link)->links_.chain;
  *link = entry.links_.chain;
  --count;
  entry.links_ = {};
  entry.queue_ = 0;
  return EntryPtr::adopt(&entry);
}

void Store::Shard::grow() {
  std::vector<Entry*> larger(buckets.size() * 2);
  --shift;
  for (Entry* first : buckets)
    while (first) {
      Entry* next = first->links_.chain;
      Entry*& place = larger[bucket_of(first->links_.hash)];
      first->links_.chain = place;
      place = first;
      first = next;
    }
  buckets = std::move(larger);
  // Where each stands depends on the size; what they say is worth little while there is room to grow.
  ghosts.assign(buckets.size() / kBucketsForGhosts * kGhostSet, 0);
}

void Store::Shard::link(Label& label) {
  Label*& newest = labels[label.hash];
  label.newer = nullptr;
  label.older = newest;
  if (newest) newest->newer = &label;
  newest = &label;
}

void Store::Shard::unlink(Label& label) noexcept {
  if (label.older) label.older->newer = label.newer;
  if (label.newer) {
    label.newer->older = label.older;
    return;
  }
  const auto at = labels.find(label.hash);
  at->second = label.older;
  if (!at->second) labels.erase(at);
}

void Store::Shard::remember_ghost(std::uint32_t hash) noexcept {
  const auto set = ghosts.begin() + static_cast<std::ptrdiff_t>(ghost_set(hash));
  std::shift_right(set, set + kGhostSet, 1);
  *set = hash;
}

bool Store::Shard::has_ghost(std::uint32_t hash) const noexcept {
  const auto set = ghosts.begin() + static_cast<std::ptrdiff_t>(ghost_set(hash));
  return std::find(set, set + kGhostSet, hash) != set + kGhostSet;
}

}  // namespace rpx::cache
