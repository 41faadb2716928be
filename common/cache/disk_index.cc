#include "cache/disk_index.h"

#include <algorithm>

namespace rpx::cache {
namespace {

// As in memory: whoever asks for ever other parts of an object must not make look-ups long.
constexpr std::size_t kMostDiskPieces = 16;

}  // namespace

void describe(DiskObject& object, const DiskHead& head) {
  object.variant = variant_of(head.vary);
  object.piece = head.is_piece ? std::hash<std::string>()(head.asked + '\n' + head.told) | 1U : 0;
  object.answered = head.times.answered;
  object.lifetime = head.terms.lifetime;
  object.initial_age = head.terms.initial_age;
  object.status = head.status;
  object.no_cache = head.terms.no_cache;
  object.outdated = head.outdated;
  object.brief = brief_of(head);
}

std::vector<std::uint64_t> DiskIndex::segments() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::uint64_t> out;
  for (const auto& [number, objects] : by_segment_) out.push_back(number);
  return out;
}

void DiskIndex::erase(std::unordered_multimap<std::uint64_t, Slot>::iterator at) {
  const auto group = by_segment_.find(at->second.segment);
  if (!at->second.at->dead) objects_.fetch_sub(1, std::memory_order_relaxed);
  group->second.erase(at->second.at);
  if (group->second.empty()) by_segment_.erase(group);
  by_hash_.erase(at);
}

void DiskIndex::erase_indexed(std::uint64_t segment, Objects::iterator at) {
  auto [from, to] = by_hash_.equal_range(at->hash);
  for (; from != to; ++from)
    if (from->second.segment == segment && from->second.at == at) {
      by_hash_.erase(from);
      break;
    }
  if (!at->dead) objects_.fetch_sub(1, std::memory_order_relaxed);
  by_segment_.find(segment)->second.erase(at);
}

void DiskIndex::add(DiskObject object) {
  const std::scoped_lock lock(mutex_);
  std::size_t pieces = object.piece != 0 ? 1 : 0;
  auto [from, to] = by_hash_.equal_range(object.hash);
  while (from != to) {
    const auto one = from++;
    const DiskObject& there = *one->second.at;
    if (there.variant != object.variant) continue;
    if (there.piece != 0 && object.piece != 0) ++pieces;
    if (object.piece == 0 || there.piece == object.piece || (there.piece != 0 && pieces > kMostDiskPieces)) {
      object.wanted = std::max(object.wanted, there.wanted);
      object.hits = std::max(object.hits, there.hits);
      if (there.body_sequence == object.body_sequence) object.forms = there.forms;
      erase(one);
    }
  }
  const std::uint64_t segment = object.body.segment->number();
  const std::uint64_t hash = object.hash;
  Objects& group = by_segment_[segment];
  group.push_back(std::move(object));
  by_hash_.emplace(hash, Slot{segment, std::prev(group.end())});
  objects_.fetch_add(1, std::memory_order_relaxed);
}

void DiskIndex::add_form(std::uint64_t hash, std::uint64_t body_sequence, const DiskForm& form) {
  const std::scoped_lock lock(mutex_);
  const auto [from, to] = by_hash_.equal_range(hash);
  for (auto at = from; at != to; ++at) {
    DiskObject& object = *at->second.at;
    if (object.body_sequence != body_sequence) continue;
    std::erase_if(object.forms, [&](const DiskForm& other) { return other.coding == form.coding; });
    object.forms.push_back(form);
  }
}

void DiskIndex::remove_form(std::uint64_t hash, std::uint64_t body_sequence, http::Coding coding) {
  const std::scoped_lock lock(mutex_);
  const auto [from, to] = by_hash_.equal_range(hash);
  for (auto at = from; at != to; ++at)
    if (DiskObject& object = *at->second.at; object.body_sequence == body_sequence)
      std::erase_if(object.forms, [coding](const DiskForm& form) { return form.coding == coding; });
}

std::vector<DiskObject> DiskIndex::find(std::uint64_t hash) const {
  const std::scoped_lock lock(mutex_);
  std::vector<DiskObject> out;
  const auto [from, to] = by_hash_.equal_range(hash);
  for (auto at = from; at != to; ++at)
    if (!at->second.at->dead) out.push_back(*at->second.at);
  return out;
}

bool DiskIndex::has(std::uint64_t hash, std::uint64_t sequence) const {
  const std::scoped_lock lock(mutex_);
  const auto [from, to] = by_hash_.equal_range(hash);
  return std::any_of(from, to, [&](const auto& slot) { return slot.second.at->sequence == sequence; });
}

void DiskIndex::used(std::uint64_t hash, std::uint64_t sequence) {
  const std::scoped_lock lock(mutex_);
  const auto [from, to] = by_hash_.equal_range(hash);
  for (auto at = from; at != to; ++at) {
    DiskObject& object = *at->second.at;
    if (object.sequence != sequence) continue;
    ++object.hits;
    if (object.wanted < 3) ++object.wanted;
  }
}

void DiskIndex::remove(std::uint64_t hash, std::uint64_t sequence) {
  const std::scoped_lock lock(mutex_);
  auto [from, to] = by_hash_.equal_range(hash);
  while (from != to) {
    const auto one = from++;
    if (one->second.at->sequence == sequence) erase(one);
  }
}

void DiskIndex::kill(std::uint64_t hash, std::uint64_t sequence) {
  const std::scoped_lock lock(mutex_);
  const auto [from, to] = by_hash_.equal_range(hash);
  for (auto at = from; at != to; ++at) {
    DiskObject& object = *at->second.at;
    if (object.dead || (sequence != 0 && object.sequence != sequence)) continue;
    object.dead = true;
    objects_.fetch_sub(1, std::memory_order_relaxed);
  }
}

std::size_t DiskIndex::remove_all(std::uint64_t hash) {
  const std::scoped_lock lock(mutex_);
  std::size_t count = 0;
  auto [from, to] = by_hash_.equal_range(hash);
  while (from != to) {
    erase(from++);
    ++count;
  }
  return count;
}

std::vector<DiskObject> DiskIndex::in_segment(std::uint64_t segment) const {
  const std::scoped_lock lock(mutex_);
  const auto group = by_segment_.find(segment);
  if (group == by_segment_.end()) return {};
  return {group->second.begin(), group->second.end()};
}

std::size_t DiskIndex::drop(std::uint64_t segment) {
  const std::scoped_lock lock(mutex_);
  const auto group = by_segment_.find(segment);
  if (group == by_segment_.end()) return 0;
  const std::uint64_t before = objects();
  // A head is never in an older segment than its body, so that those of others' bodies are not here.
  while (!group->second.empty()) erase_indexed(segment, group->second.begin());
  by_segment_.erase(group);
  return before - objects();
}

void DiskIndex::clear() {
  const std::scoped_lock lock(mutex_);
  by_hash_.clear();
  by_segment_.clear();
  objects_.store(0, std::memory_order_relaxed);
}

}  // namespace rpx::cache
