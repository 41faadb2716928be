#include "proxy/from_disk.h"

#include <algorithm>

#include "cache/disk_body.h"
#include "cache/disk_store.h"
#include "proxy/fill.h"

namespace rpx::proxy {
namespace {

using cache::DiskObject;
using cache::EntryPtr;

// Read so often of late, an object is wanted in memory.
constexpr std::uint8_t kWanted = 2;
// The name of a read among the fills of a key: no Range is called so.
constexpr std::string_view kReadPart = "\ndisk";

// The latest whole object alone, or else the pieces.
void choose(std::vector<DiskObject>& objects, bool has_pieces) {
  const auto later = [](const DiskObject& a, const DiskObject& b) { return a.sequence > b.sequence; };
  std::ranges::sort(objects, later);
  const auto whole = std::ranges::find(objects, std::uint64_t{0}, &DiskObject::piece);
  if (whole != objects.end()) {
    DiskObject one = std::move(*whole);
    objects.clear();
    objects.push_back(std::move(one));
    return;
  }
  if (has_pieces) objects.clear();
  // Oldest first: the latest says what contradicts it.
  std::ranges::reverse(objects);
}

// What is small, wanted again and again, or stored in a coded form as well is better off in memory.
bool is_for_memory(const Visit& visit, const DiskObject& object) {
  constexpr std::uint64_t kSmallShare = 16;
  if (object.piece != 0 || object.body.bytes < cache::kLeastInPieces) return true;
  const Size room = visit.store().capacity();
  if (!object.forms.empty()) return object.body.bytes <= room / 2;
  return object.wanted >= kWanted && object.body.bytes <= room / kSmallShare;
}

std::vector<EntryPtr> read_all(cache::DiskStore& disk, const std::vector<DiskObject>& objects) {
  std::vector<EntryPtr> out;
  for (const DiskObject& object : objects)
    if (EntryPtr entry = disk.read(object)) out.push_back(std::move(entry));
  return out;
}

}  // namespace

rt::Task<cache::Store::Found> bring_from_disk(Visit& visit, cache::Store::Found found, Instant deadline) {
  cache::Store& store = visit.store();
  const std::shared_ptr<cache::DiskStore> disk = store.disk();
  if (!disk) co_return found;
  const http::Headers& request = visit.busy.exchange.request().headers;
  std::vector<DiskObject> objects = disk->find(visit.key, request);
  choose(objects, found.pieces);
  if (objects.empty()) co_return found;
  rt::Loop& loop = visit.connection.worker.loop();
  if (objects.size() == 1 && !is_for_memory(visit, objects.front())) {
    auto look = [owner = visit.rule.store, disk, object = objects.front()] {
      EntryPtr head = disk->read_head(object);
      // It may have been purged meanwhile.
      return head && disk->has(object) ? head : EntryPtr();
    };
    Result<EntryPtr> head = co_await visit.connection.worker.offload().run(loop, std::move(look));
    if (head && *head && (*head)->key() == visit.key) {
      disk->counters().hits.fetch_add(1, std::memory_order_relaxed);
      found.entry = *std::move(head);
      co_return found;
    }
  }
  std::shared_ptr<cache::Flight> other;
  Lead lead(store, store.lead(visit.key, other, kReadPart));
  if (!lead) {
    if (other) co_await other->wait(loop, deadline);
    co_return store.find(visit.key, request);
  }
  // What may run on when nobody waits any more holds the store, too: the disk store looks into it.
  auto work = [owner = visit.rule.store, disk, objects = std::move(objects)] { return read_all(*disk, objects); };
  // When too much waits for a thread the origin is asked.
  const Result<std::vector<EntryPtr>> read = co_await visit.connection.worker.offload().run(loop, std::move(work));
  if (!read || read->empty() || lead.spoiled()) {
    lead.end(cache::Flight::End::kNothing);
    co_return found;
  }
  disk->counters().hits.fetch_add(1, std::memory_order_relaxed);
  for (const EntryPtr& entry : *read) store.put_read(entry);
  lead.end(cache::Flight::End::kStored);
  found = store.find(visit.key, request);
  // Memory may be too small for it.
  const EntryPtr& last = read->back();
  if (!found.entry && !last->piece() && last->key() == visit.key) found.entry = last;
  co_return found;
}

rt::Task<void> settle_disk(Visit& visit) {
  const std::shared_ptr<cache::DiskStore> disk = visit.store().disk();
  if (!disk || disk->is_settled()) co_return;
  auto work = [owner = visit.rule.store, disk] { disk->settle(); };
  static_cast<void>(co_await visit.connection.worker.offload().run(visit.connection.worker.loop(), std::move(work)));
}

}  // namespace rpx::proxy
