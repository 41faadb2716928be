#include "cache/shard.h"

namespace rpx::cache {
namespace {

// Keys remembered of what has been evicted unused, so that its return goes among what is wanted.
constexpr std::size_t kLeastGhosts = 64;

}  // namespace

void Store::Shard::insert(Entry& entry) {
  if (count == buckets.size() && shift > 4) grow();
  if (entry.rare_)
    for (Label& label : entry.rare_->labels) link(label);
  Entry*& first = buckets[bucket_of(entry.links_.hash)];
  entry.links_.chain = first;
  first = &entry;
  ++count;
  queue_of(entry).push(entry);
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

void Store::Shard::remember_ghost(std::uint32_t hash) {
  if (ghosts.insert(hash).second) ghost_order.push_back(hash);
  while (ghost_order.size() > std::max(kLeastGhosts, count)) {
    ghosts.erase(ghost_order.front());
    ghost_order.pop_front();
  }
}

}  // namespace rpx::cache
