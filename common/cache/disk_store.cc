#include "cache/disk_store.h"

#include <algorithm>

#include "base/log.h"
#include "cache/disk_body.h"
#include "cache/disk_entry.h"
#include "cache/disk_replay.h"
#include "cache/key.h"

namespace rpx::cache {
namespace {

// Bodies that wait to be written are memory beside that of the store.
constexpr std::uint64_t kMostWaiting = std::uint64_t{64} << 20U;
// Purges that wait for a folder that another process has, or that cannot be opened: more of them are one of everything.
constexpr std::size_t kMostPurges = 65536;

}  // namespace

DiskStore::DiskStore(std::string cache, DiskOptions options, std::string tag_field, DiskLog::IsHot is_hot)
    : cache_(std::move(cache)),
      path_(std::move(options.path)),
      log_(index_, counters_, std::move(is_hot)),
      tag_field_(std::move(tag_field)) {
  log_.set_size(options.size);
  thread_ = std::thread([this] { run(); });
}

DiskStore::~DiskStore() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void DiskStore::set_size(Size size) {
  const std::scoped_lock lock(mutex_);
  if (size == log_.size()) return;
  log_.set_size(size);
  resized_ = true;
  changed_.notify_all();
}

void DiskStore::set_tag_field(std::string tag_field) {
  const std::scoped_lock lock(mutex_);
  tag_field_ = std::move(tag_field);
}

std::string DiskStore::complaint() const {
  const std::scoped_lock lock(mutex_);
  return complaint_;
}

bool DiskStore::wait_open(Duration most) {
  std::unique_lock lock(mutex_);
  done_.wait_for(lock, most, [this] { return tried_; });
  return is_open();
}

std::vector<DiskObject> DiskStore::find_all(std::string_view key) const {
  if (!is_open()) return {};
  return index_.find(key_hash(key));
}

std::vector<DiskObject> DiskStore::find(std::string_view key, const http::Headers& request) const {
  std::vector<DiskObject> out = find_all(key);
  std::erase_if(out, [&](const DiskObject& object) {
    return !is_chosen(vary_in(object.brief), language_in(object.brief), request);
  });
  return out;
}

std::vector<DiskObject> DiskStore::list(const Filter& filter) {
  std::vector<DiskObject> out;
  if (!is_open()) return out;
  index_.each(filter, [&](const DiskObject& object) {
    if (!object.dead) out.push_back(object);
    return false;
  });
  return out;
}

// One line for the first of what is counted alike.
void DiskStore::complain(const DiskPlace& place, std::string_view url, const Error& why) {
  auto& counter = why.kind == ErrorKind::kIo ? counters_.errors : counters_.damaged;
  if (counter.fetch_add(1, std::memory_order_relaxed) == 0)
    log_event(LogLevel::kWarning, "cache: an object of the disk store cannot be read, and is left out",
              {{"cache", cache_},
               {"file", path_ + "/" + segment_name(place.segment->number())},
               {"url", std::string(url)},
               {"why", why.detail}});
}

EntryPtr DiskStore::read(const DiskObject& object) {
  const auto head_bytes = read_place(object.head);
  auto body = head_bytes ? read_place(object.body) : std::unexpected(head_bytes.error());
  const auto head = body ? unpack_head(*head_bytes) : std::nullopt;
  if (!head || key_hash(head->key) != object.hash) {
    complain(object.body, url_in(object.brief),
             body ? Error{ErrorKind::kBadResponse, Side::kSelf, "its head is damaged"} : body.error());
    index_.kill(object.hash, object.sequence);
    return nullptr;
  }
  counters_.reads.fetch_add(1, std::memory_order_relaxed);
  counters_.read_bytes.fetch_add(object.head.bytes + object.body.bytes, std::memory_order_relaxed);
  EntryPtr entry = entry_of(*head, std::move(*body), tag_field());
  if (object.outdated) entry->mark_outdated();
  read_forms(object, *entry);
  index_.used(object.hash, object.sequence);
  return entry;
}

void DiskStore::read_forms(const DiskObject& object, const Entry& entry) {
  for (const DiskForm& form : object.forms) {
    auto coded = read_place(form.place);
    if (!coded) {
      counters_.damaged.fetch_add(1, std::memory_order_relaxed);
      index_.remove_form(object.hash, object.body_sequence, form.coding);
      continue;
    }
    counters_.read_bytes.fetch_add(form.place.bytes, std::memory_order_relaxed);
    CodedForm read{.body = nullptr, .useless = coded->empty(), .final = true};
    if (!read.useless) read.body = std::make_shared<const std::string>(*std::move(coded));
    entry.put_form(form.coding, std::move(read));
  }
}

EntryPtr DiskStore::read_head(const DiskObject& object) {
  const auto bytes = read_place(object.head);
  auto head = bytes ? unpack_head(*bytes) : std::nullopt;
  // What is wrong with it is found again by read().
  if (!head || key_hash(head->key) != object.hash || !has_sums(head->piece_sums, object.body.bytes)) return nullptr;
  counters_.reads.fetch_add(1, std::memory_order_relaxed);
  counters_.read_bytes.fetch_add(object.head.bytes, std::memory_order_relaxed);
  auto body = std::make_shared<const DiskBody>(
      DiskBody{object.hash, object.body_sequence, object.body, std::move(head->piece_sums)});
  EntryPtr entry = entry_of(*head, std::move(body), tag_field());
  if (object.outdated) entry->mark_outdated();
  index_.used(object.hash, object.sequence);
  return entry;
}

void DiskStore::give_up(const DiskBody& body, const Error& why) {
  for (const DiskObject& object : index_.find(body.hash))
    if (object.body_sequence == body.sequence) {
      complain(body.place, url_in(object.brief), why);
      index_.kill(object.hash, object.sequence);
    }
}

std::string DiskStore::tag_field() const {
  const std::scoped_lock lock(mutex_);
  return tag_field_;
}

void DiskStore::skip(const Entry& entry) {
  counters_.skipped.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t hash = key_hash(entry.key());
  const std::uint64_t variant = variant_of(entry.vary());
  for (const DiskObject& object : index_.find(hash))
    if (object.variant == variant) index_.kill(hash, object.sequence);
}

// False when it cannot wait to be written.
bool DiskStore::take(Put put) {
  const std::scoped_lock lock(mutex_);
  const std::uint64_t bytes = put.bytes();
  // One larger than all may wait alone.
  const bool room = puts_.empty() || waiting_bytes_ + bytes <= kMostWaiting;
  if (ending_ || !is_open() || !room || std::chrono::steady_clock::now() < write_after_) return false;
  waiting_bytes_ += bytes;
  puts_.push_back(std::move(put));
  changed_.notify_all();
  return true;
}

void DiskStore::put(const EntryPtr& entry) {
  if (!take({.entry = entry, .coded = nullptr})) skip(*entry);
}

void DiskStore::put_form(EntryPtr entry, http::Coding coding, std::shared_ptr<const std::string> coded) {
  take({std::move(entry), coding, std::move(coded)});
}

void DiskStore::queue(DiskPurge purge) {
  if (purges_.size() >= kMostPurges) {
    purges_done_ += purges_.size();
    purges_.clear();
    purge = {};
  }
  purges_.push_back(std::move(purge));
  ++purges_asked_;
  changed_.notify_all();
}

bool DiskStore::forget(std::string_view key) {
  const std::uint64_t hash = key_hash(key);
  const std::scoped_lock lock(mutex_);
  std::erase_if(puts_, [&](const Put& put) {
    if (put.entry->key() != key) return false;
    waiting_bytes_ -= put.bytes();
    return true;
  });
  const bool found = index_.remove_all(hash) > 0;
  // Of a folder that is not open yet nothing is known.
  if (!found && is_open() && !(busy_ && busy_with_ == hash)) return false;
  DiskPurge purge;
  purge.key = key;
  queue(std::move(purge));
  return is_open();
}

// What waits to be written goes before it is there, or is stale when it is.
void DiskStore::take_back(const Filter& filter, bool soft) {
  std::erase_if(puts_, [&](const Put& put) {
    if (!suits(filter, brief_of(head_of(*put.entry)))) return false;
    put.entry->mark_outdated();
    if (!soft) waiting_bytes_ -= put.bytes();
    return !soft;
  });
}

Taken DiskStore::purge(const Filter& filter, bool soft, bool dry, const DiskLog::IsHot& known) {
  Taken out;
  if (is_open())
    index_.each(filter, [&](const DiskObject& object) {
      if (object.dead || (known && known(object.hash, object.variant))) return false;
      ++out.entries;
      out.bytes += object.head.bytes + object.body.bytes;
      out.hits += object.hits;
      return false;
    });
  if (dry) return out;
  std::unique_lock lock(mutex_);
  take_back(filter, soft);
  DiskPurge purge;
  purge.filter = filter;
  purge.soft = soft;
  queue(std::move(purge));
  const std::uint64_t mine = purges_asked_;
  done_.wait(lock, [&] { return purges_done_ >= mine || !is_open(); });
  return out;
}

bool DiskStore::is_settled() const {
  const std::scoped_lock lock(mutex_);
  return purges_done_ == purges_asked_ || !is_open();
}

void DiskStore::settle() {
  std::unique_lock lock(mutex_);
  const std::uint64_t last = purges_asked_;
  done_.wait(lock, [&] { return purges_done_ >= last || !is_open(); });
}

void DiskStore::flush() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return !is_open() || (puts_.empty() && purges_.empty() && !busy_); });
}

}  // namespace rpx::cache
