#include "cache/store.h"

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"

namespace rpx::cache {
namespace {

// Of a shard's bytes, a tenth is for what has come lately and not been wanted again.
constexpr std::uint64_t kSmallShare = 10;
// Keys remembered of what has been evicted unused, so that its return goes among what is wanted.
constexpr std::size_t kLeastGhosts = 64;
constexpr std::size_t kPasses = 64;
// Pieces of one object: whoever asks for ever other parts of it must not make look-ups long.
constexpr std::size_t kMostPieces = 16;

std::uint64_t hash_of(std::string_view key) noexcept {
  // The upper bits choose the shard: they have to be as mixed as the lower ones.
  std::uint64_t hash = std::hash<std::string_view>()(key);
  hash ^= hash >> 31U;
  hash *= 0x9E3779B97F4A7C15ULL;
  return hash ^ (hash >> 29U);
}

bool is_of_origin(std::string_view url, std::string_view origin) noexcept {
  return url.starts_with(origin) && (url.size() == origin.size() || url[origin.size()] == '/');
}

// Whether `fresh`, of the same key and the same chosen fields, leaves no use for `old`.
bool replaces(const Entry& fresh, const Entry& old) {
  if (!fresh.piece()) return true;
  if (!old.piece()) return false;
  if (!fresh.piece()->asked.empty() && fresh.piece()->asked == old.piece()->asked) return true;
  const auto& here = fresh.piece()->place;
  const auto& there = old.piece()->place;
  if (!here || !there) return fresh.validators().etag != old.validators().etag;
  if (here->total != there->total || fresh.validators().etag != old.validators().etag) return true;
  return here->first <= there->first && here->last >= there->last;
}

// The name of a fill under way; a line break stands in no key and no field.
std::string flight_name(std::string_view key, std::string_view part) {
  std::string out(key);
  if (!part.empty()) out.append(1, '\n').append(part);
  return out;
}

bool suits(const Filter& filter, const Entry& entry) {
  return (filter.url.empty() || entry.url() == filter.url) && entry.url().starts_with(filter.prefix) &&
         (filter.host.empty() || entry.host() == filter.host) &&
         (filter.group.empty() || (std::ranges::find(entry.groups(), filter.group) != entry.groups().end() &&
                                   is_of_origin(entry.url(), filter.origin))) &&
         (filter.tag.empty() || std::ranges::find(entry.tags(), filter.tag) != entry.tags().end());
}

struct Pass {
  std::uint64_t hash = 0;
  WallTime until{};
  Reason why;
};

}  // namespace

struct Store::Node {
  EntryPtr entry;
  std::uint64_t hash = 0;
  Node* chain = nullptr;  // others with this hash
  Node* newer = nullptr;
  Node* older = nullptr;
  bool in_main = false;
};

struct Store::Shard {
  // First in, first out; the oldest end gives way.
  struct Fifo {
    Node* newest = nullptr;
    Node* oldest = nullptr;
    std::uint64_t bytes = 0;

    void push(Node& node) noexcept {
      node.newer = nullptr;
      node.older = newest;
      (newest ? newest->newer : oldest) = &node;
      newest = &node;
      bytes += node.entry->bytes();
    }
    void take_out(Node& node) noexcept {
      (node.newer ? node.newer->older : newest) = node.older;
      (node.older ? node.older->newer : oldest) = node.newer;
      bytes -= node.entry->bytes();
    }
  };

  void remember_ghost(std::uint64_t hash) {
    if (ghosts.insert(hash).second) ghost_order.push_back(hash);
    while (ghost_order.size() > std::max(kLeastGhosts, index.size())) {
      ghosts.erase(ghost_order.front());
      ghost_order.pop_front();
    }
  }

  std::mutex mutex;
  std::unordered_map<std::uint64_t, Node*> index;
  Fifo small;
  Fifo main;
  std::unordered_set<std::uint64_t> ghosts;
  std::deque<std::uint64_t> ghost_order;
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights;
  std::array<Pass, kPasses> passes;
};

Store::Store(std::string name, Size capacity) : name_(std::move(name)), capacity_(capacity) {
  for (auto& shard : shards_) shard = std::make_unique<Shard>();
}

Store::~Store() {
  for (const auto& shard : shards_)
    for (Shard::Fifo* fifo : {&shard->small, &shard->main})
      for (Node* node = fifo->oldest; node;) {
        Node* next = node->newer;
        delete node;
        node = next;
      }
}

void Store::set_capacity(Size capacity) {
  capacity_.store(capacity, std::memory_order_relaxed);
  make_room();
}

Store::Found Store::find(std::string_view key, const http::Headers& request) const {
  const std::uint64_t hash = hash_of(key);
  Shard& shard = shard_of(hash);
  Found out;
  const std::scoped_lock lock(shard.mutex);
  const auto at = shard.index.find(hash);
  if (at == shard.index.end()) return out;
  for (const Node* node = at->second; node; node = node->chain) {
    if (node->entry->key() != key) continue;
    if (!node->entry->matches(request)) {
      out.other_variants = true;
    } else if (node->entry->piece()) {
      out.pieces = true;
    } else if (!out.entry || node->entry->times().answered > out.entry->times().answered) {
      // Of several the latest is right (RFC 9111 section 4.1).
      out.entry = node->entry;
    }
  }
  return out;
}

std::vector<EntryPtr> Store::pieces(std::string_view key, const http::Headers& request) const {
  const std::uint64_t hash = hash_of(key);
  Shard& shard = shard_of(hash);
  std::vector<EntryPtr> out;
  const std::scoped_lock lock(shard.mutex);
  const auto at = shard.index.find(hash);
  for (const Node* node = at == shard.index.end() ? nullptr : at->second; node; node = node->chain)
    if (node->entry->piece() && node->entry->key() == key && node->entry->matches(request)) out.push_back(node->entry);
  return out;
}

void Store::remove(Shard& shard, Node& node) {
  (node.in_main ? shard.main : shard.small).take_out(node);
  const auto at = shard.index.find(node.hash);
  Node** link = &at->second;
  while (*link != &node) link = &(*link)->chain;
  *link = node.chain;
  if (!at->second) shard.index.erase(at);
  entries_.fetch_sub(1, std::memory_order_relaxed);
  bytes_.fetch_sub(node.entry->bytes(), std::memory_order_relaxed);
  delete &node;
}

void Store::put(EntryPtr entry) {
  if (entry->bytes() > capacity()) return;
  const std::uint64_t hash = hash_of(entry->key());
  Shard& shard = shard_of(hash);
  {
    const std::scoped_lock lock(shard.mutex);
    auto node = std::make_unique<Node>();
    node->hash = hash;
    const auto at = shard.index.find(hash);
    std::size_t pieces = entry->piece() ? 1 : 0;
    for (Node* one = at == shard.index.end() ? nullptr : at->second; one;) {
      Node* next = one->chain;
      const bool counts = one->entry->piece() && pieces != 0;
      if (counts) ++pieces;
      const bool too_many = counts && pieces > kMostPieces;
      if (too_many ||
          (one->entry->key() == entry->key() && one->entry->vary() == entry->vary() && replaces(*entry, *one->entry))) {
        node->in_main = node->in_main || one->in_main;
        entry->set_wanted(std::max(entry->wanted(), one->entry->wanted()));
        remove(shard, *one);
      }
      one = next;
    }
    node->in_main = node->in_main || shard.ghosts.contains(hash);
    node->entry = std::move(entry);
    Node*& first = shard.index[hash];
    node->chain = first;
    first = node.get();
    (node->in_main ? shard.main : shard.small).push(*node);
    entries_.fetch_add(1, std::memory_order_relaxed);
    bytes_.fetch_add(node->entry->bytes(), std::memory_order_relaxed);
    counters_.stored.fetch_add(1, std::memory_order_relaxed);
    [[maybe_unused]] const Node* held = node.release();
  }
  make_room();
}

void Store::put_form(const Entry& entry, http::Coding coding, CodedForm form) {
  const std::uint64_t hash = hash_of(entry.key());
  Shard& shard = shard_of(hash);
  {
    const std::scoped_lock lock(shard.mutex);
    const auto at = shard.index.find(hash);
    Node* node = at == shard.index.end() ? nullptr : at->second;
    while (node && node->entry.get() != &entry) node = node->chain;
    if (!node) return;
    const auto grown = static_cast<std::uint64_t>(entry.put_form(coding, std::move(form)));
    // Unsigned sums wrap around, so that a form that takes the place of a longer one makes them less.
    (node->in_main ? shard.main : shard.small).bytes += grown;
    bytes_.fetch_add(grown, std::memory_order_relaxed);
  }
  make_room();
}

bool Store::evict_one(Shard& shard, Give give) {
  for (;;) {
    const std::uint64_t all = shard.small.bytes + shard.main.bytes;
    if (give == Give::kSmallOver && shard.small.bytes * kSmallShare < all) return false;
    const bool from_main = give == Give::kMain || !shard.small.oldest;
    Node* node = from_main ? shard.main.oldest : shard.small.oldest;
    if (!node) return false;
    const std::uint8_t wanted = node->entry->wanted();
    if (wanted == 0) {
      if (!from_main) shard.remember_ghost(node->hash);
      remove(shard, *node);
      counters_.evicted.fetch_add(1, std::memory_order_relaxed);
      return true;
    }
    node->entry->set_wanted(static_cast<std::uint8_t>(wanted - 1));
    (from_main ? shard.main : shard.small).take_out(*node);
    node->in_main = true;
    shard.main.push(*node);
    // One second chance a visit: other shards may hold what nobody wants.
    if (from_main) return false;
  }
}

bool Store::evict_in_turn(Give give) {
  // Four rounds take the last chance of what was wanted three times.
  for (std::size_t i = 0; i < 4 * kShards; ++i) {
    Shard& shard = *shards_[next_shard_.fetch_add(1, std::memory_order_relaxed) % kShards];
    const std::scoped_lock lock(shard.mutex);
    if (evict_one(shard, give)) return true;
    if (give != Give::kMain && i + 1 == kShards) return false;
  }
  return false;
}

void Store::make_room() {
  while (bytes() > capacity())
    if (!evict_in_turn(Give::kSmallOver) && !evict_in_turn(Give::kMain) && !evict_in_turn(Give::kAny)) return;
}

template <class Take>
void Store::each(const Filter& filter, Take take) const {
  for (const auto& shard : shards_) {
    const std::scoped_lock lock(shard->mutex);
    for (const Shard::Fifo* fifo : {&shard->small, &shard->main})
      for (Node* node = fifo->oldest; node;) {
        Node* next = node->newer;
        if (suits(filter, *node->entry)) take(*shard, *node);
        node = next;
      }
  }
}

std::size_t Store::invalidate(std::string_view key) {
  const std::uint64_t hash = hash_of(key);
  Shard& shard = shard_of(hash);
  const std::scoped_lock lock(shard.mutex);
  for (const auto& [name, flight] : shard.flights)
    if (flight->key() == key) flight->spoil();
  const auto at = shard.index.find(hash);
  std::size_t count = 0;
  for (Node* node = at == shard.index.end() ? nullptr : at->second; node;) {
    Node* next = node->chain;
    if (node->entry->key() == key) {
      remove(shard, *node);
      ++count;
    }
    node = next;
  }
  counters_.invalidated.fetch_add(count, std::memory_order_relaxed);
  return count;
}

Taken Store::purge(const Filter& filter, bool soft, bool dry) {
  if (!dry)
    // What is on its way was asked for before the purge, and may be what the purge is about.
    for (const auto& shard : shards_) {
      const std::scoped_lock lock(shard->mutex);
      for (const auto& [key, flight] : shard->flights) flight->spoil();
    }
  Taken out;
  each(filter, [&](Shard& shard, Node& node) {
    ++out.entries;
    out.bytes += node.entry->bytes();
    out.hits += node.entry->hits();
    if (dry) return;
    if (soft)
      node.entry->mark_outdated();
    else
      remove(shard, node);
  });
  if (!dry) counters_.purged.fetch_add(out.entries, std::memory_order_relaxed);
  return out;
}

std::vector<EntryPtr> Store::list(const Filter& filter) const {
  std::vector<EntryPtr> out;
  each(filter, [&](Shard&, const Node& node) { out.push_back(node.entry); });
  std::ranges::sort(out, [](const EntryPtr& a, const EntryPtr& b) {
    return std::tie(a->url(), a->vary(), a->times().answered) < std::tie(b->url(), b->vary(), b->times().answered);
  });
  return out;
}

std::shared_ptr<Flight> Store::lead(std::string_view key, std::shared_ptr<Flight>& other, std::string_view part) {
  Shard& shard = shard_of(hash_of(key));
  const std::scoped_lock lock(shard.mutex);
  const auto [at, first] = shard.flights.try_emplace(flight_name(key, part));
  if (!first) {
    other = at->second;
    return nullptr;
  }
  at->second = std::make_shared<Flight>(std::string(key), std::string(part));
  return at->second;
}

void Store::end(const std::shared_ptr<Flight>& flight, Flight::End end) {
  {
    Shard& shard = shard_of(hash_of(flight->key()));
    const std::scoped_lock lock(shard.mutex);
    shard.flights.erase(flight_name(flight->key(), flight->part()));
  }
  flight->finish(end);
}

void Store::remember_pass(std::string_view key, Reason why, WallTime until) {
  const std::uint64_t hash = hash_of(key);
  Shard& shard = shard_of(hash);
  const std::scoped_lock lock(shard.mutex);
  shard.passes[hash % kPasses] = {hash, until, why};
}

std::optional<Reason> Store::passes(std::string_view key, WallTime now) const {
  const std::uint64_t hash = hash_of(key);
  Shard& shard = shard_of(hash);
  const std::scoped_lock lock(shard.mutex);
  const Pass& pass = shard.passes[hash % kPasses];
  if (pass.hash != hash || pass.until < now) return std::nullopt;
  return pass.why;
}

}  // namespace rpx::cache
