#include "cache/disk_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/log.h"
#include "base/result.h"
#include "cache/disk_entry.h"
#include "cache/disk_replay.h"
#include "cache/disk_scan.h"
#include "cache/key.h"

namespace rpx::cache {
namespace {

constexpr std::uint64_t kSegments = 64;
constexpr std::uint64_t kLeastSegment = std::uint64_t{64} << 10U;
// Of a segment that goes, what is wanted is held in memory while room is made: not more than this.
constexpr std::uint64_t kMostKept = std::uint64_t{16} << 20U;
// A file of purges that is longer is looked through for what covers nothing any more.
constexpr std::uint64_t kManyPurges = std::uint64_t{1} << 20U;

bool is_wanted(const DiskObject& object, const DiskLog::IsHot& is_hot) {
  return object.wanted > 0 || (is_hot && is_hot(object.hash, object.variant));
}

}  // namespace

std::uint64_t DiskLog::segment_size() const noexcept { return std::max(size() / kSegments, kLeastSegment); }

void DiskLog::count_bytes() {
  std::uint64_t sum = purges_.bytes();
  for (const Held& held : segments_) sum += held.segment->bytes();
  bytes_.store(sum, std::memory_order_relaxed);
}

Status DiskLog::open_folder(const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  folder_ = net::UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder_) return self_error(ErrorKind::kIo, errno_text("open", failed ? failed.value() : errno));
  lock_ = net::UniqueFd(::openat(folder_.get(), "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_) return self_error(ErrorKind::kIo, errno_text("create lock", errno));
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0)
    return self_error(ErrorKind::kIo,
                      errno == EWOULDBLOCK ? std::string("another process uses it") : errno_text("lock", errno));
  return {};
}

Status DiskLog::open(const std::string& path) {
  Status opened = open_folder(path);
  if (opened) opened = read_segments();
  if (!opened) {
    index_.clear();
    segments_.clear();
    lock_.reset();
    folder_.reset();
  }
  return opened;
}

Status DiskLog::read_segments() {
  std::vector<std::string> foreign;
  RPX_TRY(const std::vector<std::uint64_t> numbers, segments_in(folder_.get(), foreign));
  PurgeTable purges;
  RPX_TRY(const PurgeFile::Found found, purges_.open(folder_.get(), 0, purges));
  next_sequence_ = purges_.last_sequence() + 1;
  if (!numbers.empty()) next_number_ = numbers.back() + 1;
  std::uint64_t last = 0;
  for (const std::uint64_t number : numbers) {
    RPX_TRY(SegmentPtr segment, open_segment(folder_.get(), number, true));
    Result<Scanned> scanned = self_error(ErrorKind::kNotFound, "what was purged from it is not known any more");
    if (found == PurgeFile::Found::kWhole)
      scanned = scan_segment(*segment, last, [&](const RecordHeader& header, std::uint64_t at, std::string_view head) {
        replay(index_, purges, segment, header, at, head);
      });
    if (!scanned && scanned.error().kind != ErrorKind::kNotFound) return std::unexpected(scanned.error());
    if (!scanned || scanned->first_sequence == 0) {
      if (!scanned)
        log_event(LogLevel::kWarning, "cache: a file of the disk store is of no use, and is removed",
                  {{"file", segment_name(number)}, {"why", scanned.error().detail}});
      remove_file(segment);
      continue;
    }
    if (!scanned->whole) {
      // What a crash left: the next record takes its place.
      if (::ftruncate(segment->fd(), static_cast<off_t>(scanned->end)) != 0)
        return self_error(ErrorKind::kIo, errno_text("truncate " + segment_name(number), errno));
      segment->set_bytes(scanned->end);
    }
    last = scanned->last_sequence;
    segments_.push_back({std::move(segment), scanned->first_sequence});
  }
  next_sequence_ = std::max(next_sequence_, last + 1);
  RPX_TRY_VOID(purges_.shorten(segments_.empty() ? next_sequence_ : segments_.front().first_sequence));
  count_bytes();
  return make_room(0);
}

void DiskLog::remove_file(const SegmentPtr& segment) {
  if (::unlinkat(folder_.get(), segment_name(segment->number()).c_str(), 0) != 0 && errno != ENOENT)
    counters_.errors.fetch_add(1, std::memory_order_relaxed);
}

Status DiskLog::make_room(std::uint64_t bytes) {
  count_bytes();
  while (!segments_.empty() && this->bytes() + bytes > size()) RPX_TRY_VOID(reclaim_oldest());
  if (purges_.bytes() > kManyPurges && !segments_.empty())
    RPX_TRY_VOID(purges_.shorten(segments_.front().first_sequence));
  return {};
}

// What of a segment that goes is written again. Read before the file goes, so that never more than the size is there;
// at most half of it, so that room is made.
std::vector<DiskLog::Kept> DiskLog::kept_of(const SegmentPtr& segment, const std::vector<DiskObject>& objects) const {
  std::vector<Kept> out;
  std::uint64_t most = std::min(segment->bytes() / 2, kMostKept);
  for (const DiskObject& object : objects) {
    const std::uint64_t needed = kRecordHeaderBytes + object.head.bytes + object.body.bytes;
    if (object.dead || needed > most || !is_wanted(object, is_hot_)) continue;
    auto head = read_place(object.head);
    auto body = read_place(object.body);
    auto read = head && body ? unpack_head(*head) : std::nullopt;
    if (!read) continue;
    most -= needed;
    if (object.outdated && !read->outdated) {
      read->outdated = true;
      *head = pack(*read);
    }
    out.push_back({object, std::move(*head), std::move(*body)});
  }
  return out;
}

Status DiskLog::reclaim_oldest() {
  const SegmentPtr segment = segments_.front().segment;
  const std::vector<DiskObject> objects = index_.in_segment(segment->number());
  std::vector<Kept> kept;
  if (segments_.size() > 1) kept = kept_of(segment, objects);
  segments_.pop_front();
  remove_file(segment);
  count_bytes();
  Status done;
  for (Kept& one : kept) {
    // It may have been taken out meanwhile. If that happens from here on, its tombstone comes after this.
    if (!done || !index_.has(one.object.hash, one.object.sequence)) continue;
    one.object.wanted = static_cast<std::uint8_t>(one.object.wanted - std::min<std::uint8_t>(one.object.wanted, 1));
    const std::uint64_t before = one.object.sequence;
    done = append(one.object, {.kind = RecordKind::kObject}, one.head, one.body);
    if (!done) continue;
    index_.remove(one.object.hash, before);
    index_.add(std::move(one.object));
  }
  counters_.evicted.fetch_add(index_.drop(segment->number()), std::memory_order_relaxed);
  return done;
}

bool DiskLog::has_body(const DiskObject& object, std::string_view body, std::uint32_t sum) const {
  if (object.body.bytes != body.size() || object.body.sum != sum) return false;
  // A checksum says that bytes differ, not that they are the same.
  const auto stored = read_place(object.body);
  return stored && *stored == body;
}

Status DiskLog::append(DiskObject& object, RecordHeader header, std::string_view head, std::string_view body) {
  const std::uint64_t bytes = kRecordHeaderBytes + head.size() + body.size();
  if (segments_.empty() || segments_.back().segment->bytes() + bytes > std::max(segment_size(), bytes)) {
    RPX_TRY(SegmentPtr made, create_segment(folder_.get(), next_number_));
    ++next_number_;
    segments_.push_back({std::move(made), 0});
    count_bytes();
  }
  Held& last = segments_.back();
  header.sequence = next_sequence_++;
  header.file = last.segment->number();
  std::string start;
  append_record(start, header, head, body);
  const std::uint64_t at = last.segment->bytes();
  if (Status wrote = write_at(last.segment->fd(), at, start, body); !wrote) {
    // A part may be there; should it stay, the next record is written over it.
    static_cast<void>(::ftruncate(last.segment->fd(), static_cast<off_t>(at)) == 0);
    return wrote;
  }
  if (last.first_sequence == 0) last.first_sequence = header.sequence;
  last.segment->set_bytes(at + bytes);
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  counters_.written_bytes.fetch_add(bytes, std::memory_order_relaxed);
  object.sequence = header.sequence;
  object.head = {last.segment, at + kRecordHeaderBytes, head.size(), header.head_sum};
  if (header.kind == RecordKind::kObject) {
    object.body_sequence = header.sequence;
    object.body = {last.segment, object.head.at + head.size(), body.size(), header.body_sum};
  }
  return {};
}

Status DiskLog::put(const Entry& entry) {
  const DiskHead head = head_of(entry);
  const std::string packed = pack(head);
  const std::string_view body = entry.body();
  const std::uint64_t bytes = kRecordHeaderBytes + packed.size() + body.size();
  DiskObject object;
  describe(object, head);
  object.hash = key_hash(head.key);
  if (packed.size() > kMostHeadBytes || bytes + kFileHeaderBytes + purges_.bytes() > size()) {
    // What is there has been replaced all the same.
    for (const DiskObject& there : index_.find(object.hash))
      if (there.variant == object.variant) index_.kill(there.hash, there.sequence);
    return {};
  }
  RPX_TRY_VOID(make_room(bytes + kFileHeaderBytes));
  const std::uint32_t sum = checksum(body);
  RecordHeader header{.kind = RecordKind::kObject};
  for (const DiskObject& there : index_.find(object.hash))
    if (there.variant == object.variant && there.piece == object.piece && has_body(there, body, sum)) {
      header.kind = RecordKind::kRenewal;
      header.reference = there.body_sequence;
      object.body_sequence = there.body_sequence;
      object.body = there.body;
    }
  RPX_TRY_VOID(append(object, header, packed, header.kind == RecordKind::kRenewal ? std::string_view() : body));
  index_.add(std::move(object));
  counters_.written.fetch_add(1, std::memory_order_relaxed);
  return {};
}

Status DiskLog::purge(const DiskPurge& purge) {
  if (!purge.key.empty())
    index_.remove_all(key_hash(purge.key));
  else
    index_.each(purge.filter, [&](DiskObject& object) {
      if (!purge.soft) return true;
      object.outdated = true;
      return false;
    });
  const Status written = purges_.add(purge, next_sequence_++);
  count_bytes();
  // Taking files away needs no room on the disk.
  if (!written) clear();
  return written;
}

void DiskLog::clear() {
  index_.clear();
  for (const Held& held : segments_) remove_file(held.segment);
  segments_.clear();
  count_bytes();
}

}  // namespace rpx::cache
