#include "cache/store.h"

#include <algorithm>

#include "cache/disk_store.h"
#include "cache/key.h"
#include "cache/shard.h"

namespace rpx::cache {
namespace {

// A twentieth of the bytes is for what has come lately and not been wanted again.
constexpr std::uint64_t kSmallShare = 20;
// Shards looked at for the oldest entry of a queue: nearly that of all of them.
constexpr std::uint32_t kSample = 16;
// Second chances before one has to go whatever it is.
constexpr int kMostChances = 64;
// Pieces of one object: whoever asks for ever other parts of it must not make look-ups long.
constexpr std::size_t kMostPieces = 16;

// Whether `fresh`, of the same key and the same chosen fields, leaves no use for `old`.
bool replaces(const Entry& fresh, const Entry& old) {
  if (!fresh.piece()) return true;
  if (!old.piece()) return false;
  if (!fresh.piece()->asked.empty() && fresh.piece()->asked == old.piece()->asked) return true;
  const auto& here = fresh.piece()->place;
  const auto& there = old.piece()->place;
  const bool other = fresh.validators().etag != old.validators().etag;
  if (!here || !there) return other;
  if (here->total != there->total || other) return true;
  return here->first <= there->first && here->last >= there->last;
}

// The name of a fill under way; a line break stands in no key and no field.
std::string flight_name(std::string_view key, std::string_view part) {
  std::string out(key);
  if (!part.empty()) out.append(1, '\n').append(part);
  return out;
}

}  // namespace

Store::Store(std::string name, Size capacity) : name_(std::move(name)), capacity_(capacity) {
  for (auto& shard : shards_) shard = std::make_unique<Shard>();
}

Store::~Store() {
  use_disk(nullptr);
  for (const auto& shard : shards_)
    for (const Shard::Queue* queue : {&shard->small, &shard->main})
      while (queue->oldest) remove(*shard, *queue->oldest);
}

void Store::set_capacity(Size capacity) {
  capacity_.store(capacity, std::memory_order_relaxed);
  make_room();
}

Store::Found Store::find(std::string_view key, const http::Headers& request) const {
  const std::uint64_t hash = key_hash(key);
  const std::uint32_t own = Shard::short_hash(hash);
  Shard& shard = shard_of(hash);
  const Entry* best = nullptr;
  Found out;
  const std::scoped_lock lock(shard.mutex);
  for (const Entry* entry = shard.first_of(own); entry; entry = entry->links_.chain) {
    if (entry->links_.hash != own || entry->key() != key) continue;
    if (!entry->matches(request)) {
      out.other_variants = true;
    } else if (entry->piece()) {
      out.pieces = true;
    } else if (!best || entry->answered_ > best->answered_) {
      // Of several the latest is right (RFC 9111 section 4.1).
      best = entry;
    }
  }
  out.entry = EntryPtr(best);
  return out;
}

std::vector<EntryPtr> Store::pieces(std::string_view key, const http::Headers& request) const {
  const std::uint64_t hash = key_hash(key);
  const std::uint32_t own = Shard::short_hash(hash);
  Shard& shard = shard_of(hash);
  std::vector<EntryPtr> out;
  const std::scoped_lock lock(shard.mutex);
  for (const Entry* entry = shard.first_of(own); entry; entry = entry->links_.chain)
    if (entry->links_.hash == own && entry->piece() && entry->key() == key && entry->matches(request))
      out.emplace_back(entry);
  return out;
}

EntryPtr Store::remove(Shard& shard, Entry& entry) noexcept {
  entries_.fetch_sub(1, std::memory_order_relaxed);
  add_bytes(entry, 0 - static_cast<std::uint64_t>(entry.bytes()));
  return shard.remove(entry);
}

void Store::add_bytes(const Entry& entry, std::uint64_t bytes) noexcept {
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (entry.queue_ == Shard::kSmall) small_bytes_.fetch_add(bytes, std::memory_order_relaxed);
}

// With `if_latest` only where no later one is here. One that is too large still takes the place of what is.
Store::Kept Store::keep(EntryPtr fresh, bool if_latest) {
  if (fresh->on_disk()) return Kept::kNot;
  const std::uint64_t hash = key_hash(fresh->key());
  Shard& shard = shard_of(hash);
  // Memory is given back once the lock is.
  std::vector<EntryPtr> gone;
  {
    const std::scoped_lock lock(shard.mutex);
    if (fresh->queue_ != 0) return Kept::kNot;
    const std::uint32_t own = Shard::short_hash(hash);
    for (const Entry* one = if_latest ? shard.first_of(own) : nullptr; one; one = one->links_.chain)
      if (one->links_.hash == own && !one->piece() && one->answered_ >= fresh->answered_ &&
          one->key() == fresh->key() && one->varies_like(*fresh))
        return Kept::kNot;
    Entry& entry = const_cast<Entry&>(*fresh);
    entry.links_.hash = Shard::short_hash(hash);
    bool in_main = shard.has_ghost(entry.links_.hash);
    std::size_t pieces = entry.piece() ? 1 : 0;
    for (Entry* one = shard.first_of(entry.links_.hash); one;) {
      Entry* next = one->links_.chain;
      const bool same = one->links_.hash == entry.links_.hash && one->key() == entry.key();
      const bool counts = same && one->piece() && pieces != 0;
      if (counts) ++pieces;
      if ((counts && pieces > kMostPieces) || (same && one->varies_like(entry) && replaces(entry, *one))) {
        in_main = in_main || one->queue_ == Shard::kMain;
        entry.set_wanted(std::max(entry.wanted(), one->wanted()));
        gone.push_back(remove(shard, *one));
      }
      one = next;
    }
    if (entry.bytes() > capacity()) {
      entry.links_ = {};
      return Kept::kTooLarge;
    }
    static_cast<void>(fresh.release());
    entry.queue_ = in_main ? Shard::kMain : Shard::kSmall;
    shard.insert(entry, stamps_.fetch_add(1, std::memory_order_relaxed));
    add_bytes(entry, entry.bytes());
    entries_.fetch_add(1, std::memory_order_relaxed);
  }
  make_room();
  return Kept::kHere;
}

void Store::put(EntryPtr fresh) {
  const std::shared_ptr<DiskStore> behind = disk();
  const EntryPtr to_write = behind ? fresh : nullptr;
  if (fresh->on_disk()) {
    if (behind) behind->put(to_write);
    return;
  }
  const Kept kept = keep(std::move(fresh), false);
  if (kept == Kept::kNot || (kept == Kept::kTooLarge && !behind)) return;
  counters_.stored.fetch_add(1, std::memory_order_relaxed);
  if (behind) behind->put(to_write);
}

void Store::put_read(EntryPtr entry) { keep(std::move(entry), true); }

void Store::put_form(const Entry& entry, http::Coding coding, CodedForm form) {
  if (form.final || form.useless)
    if (const auto behind = disk()) behind->put_form(EntryPtr(&entry), coding, form.useless ? nullptr : form.body);
  Shard& shard = shard_of(key_hash(entry.key()));
  {
    const std::scoped_lock lock(shard.mutex);
    if (entry.queue_ == 0) return;
    const auto grown = static_cast<std::uint64_t>(entry.put_form(coding, std::move(form)));
    // Unsigned sums wrap around, so that a form that takes the place of a longer one makes them less.
    add_bytes(entry, grown);
  }
  make_room();
}

Store::Shard* Store::oldest(std::uint8_t queue) const noexcept {
  const std::uint32_t begin = next_shard_.fetch_add(kSample, std::memory_order_relaxed);
  const auto now = stamps_.load(std::memory_order_relaxed);
  Shard* out = nullptr;
  std::uint32_t most = 0;
  for (std::uint32_t i = 0; i < kShards && (i < kSample || !out); ++i) {
    Shard& shard = *shards_[(begin + i) % kShards];
    const std::uint64_t tail = (queue == Shard::kSmall ? shard.small : shard.main).tail.load(std::memory_order_relaxed);
    if (tail == 0) continue;
    // Stamps wrap around: what counts is how far back one is.
    const std::uint32_t age = now - static_cast<std::uint32_t>(tail);
    if (out && age <= most) continue;
    out = &shard;
    most = age;
  }
  return out;
}

// S3-FIFO (Yang et al. 2023) over all shards: what leaves the small queue unwanted goes, and is remembered; what leaves
// the main queue goes when it has not been wanted since it came to its end the last time.
bool Store::evict() {
  for (int chances = 0;;) {
    const bool small_over = small_bytes_.load(std::memory_order_relaxed) * kSmallShare >= bytes();
    std::uint8_t queue = small_over ? Shard::kSmall : Shard::kMain;
    Shard* shard = oldest(queue);
    if (!shard) {
      queue = small_over ? Shard::kMain : Shard::kSmall;
      shard = oldest(queue);
    }
    if (!shard) return false;
    EntryPtr gone;  // outlives the lock
    const std::scoped_lock lock(shard->mutex);
    Entry* entry = (queue == Shard::kSmall ? shard->small : shard->main).oldest;
    if (!entry) continue;
    const std::uint8_t wanted = entry->wanted();
    if (wanted == 0 || ++chances > kMostChances) {
      if (queue == Shard::kSmall) shard->remember_ghost(entry->links_.hash);
      counters_.evicted.fetch_add(1, std::memory_order_relaxed);
      gone = remove(*shard, *entry);
      return true;
    }
    entry->set_wanted(queue == Shard::kSmall ? 0 : static_cast<std::uint8_t>(wanted - 1));
    shard->queue_of(*entry).take_out(*entry);
    if (queue == Shard::kSmall) small_bytes_.fetch_sub(entry->bytes(), std::memory_order_relaxed);
    entry->queue_ = Shard::kMain;
    shard->main.push(*entry, stamps_.fetch_add(1, std::memory_order_relaxed));
  }
}

void Store::make_room() {
  while (bytes() > capacity())
    if (!evict()) return;
}

std::size_t Store::invalidate(std::string_view key) {
  if (const auto behind = disk()) {
    // What comes to its end meanwhile must not go to the disk after that.
    spoil(key);
    behind->forget(key);
  }
  const std::uint64_t hash = key_hash(key);
  const std::uint32_t own = Shard::short_hash(hash);
  Shard& shard = shard_of(hash);
  std::vector<EntryPtr> gone;
  const std::scoped_lock lock(shard.mutex);
  for (const auto& [name, flight] : shard.flights)
    if (flight->key() == key) flight->spoil();
  for (Entry* entry = shard.first_of(own); entry;) {
    Entry* next = entry->links_.chain;
    if (entry->links_.hash == own && entry->key() == key) gone.push_back(remove(shard, *entry));
    entry = next;
  }
  counters_.invalidated.fetch_add(gone.size(), std::memory_order_relaxed);
  return gone.size();
}

std::shared_ptr<Flight> Store::lead(std::string_view key, std::shared_ptr<Flight>& other, std::string_view part) {
  Shard& shard = shard_of(key_hash(key));
  const std::scoped_lock lock(shard.mutex);
  const auto [at, first] = shard.flights.try_emplace(flight_name(key, part));
  // What is out of date before it is there is not waited for.
  if (!first && !at->second->spoiled() && !at->second->is_over()) {
    other = at->second;
    return nullptr;
  }
  at->second = std::make_shared<Flight>(std::string(key), std::string(part));
  return at->second;
}

void Store::end(const std::shared_ptr<Flight>& flight, Flight::End end) {
  {
    Shard& shard = shard_of(key_hash(flight->key()));
    const std::scoped_lock lock(shard.mutex);
    const auto at = shard.flights.find(flight_name(flight->key(), flight->part()));
    if (at != shard.flights.end() && at->second == flight) shard.flights.erase(at);
  }
  flight->finish(end);
}

void Store::remember_pass(std::string_view key, Reason why, WallTime until) {
  const std::uint64_t hash = key_hash(key);
  Shard& shard = shard_of(hash);
  const std::scoped_lock lock(shard.mutex);
  shard.passes[hash % Shard::kPasses] = {hash, until, why};
}

std::optional<Reason> Store::passes(std::string_view key, WallTime now) const {
  const std::uint64_t hash = key_hash(key);
  Shard& shard = shard_of(hash);
  const std::scoped_lock lock(shard.mutex);
  const Shard::Pass& pass = shard.passes[hash % Shard::kPasses];
  if (pass.hash != hash || pass.until < now) return std::nullopt;
  return pass.why;
}

}  // namespace rpx::cache
