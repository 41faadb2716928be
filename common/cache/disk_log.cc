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
#include "cache/disk_body.h"
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
// What the head of a coded form has besides the key, at most.
constexpr std::uint64_t kMostFormHead = 32;
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
  while (!segments_.empty() && this->bytes() + bytes > size()) reclaim_oldest();
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
    Kept kept{object, std::move(read->key), std::move(*head), std::move(*body), {}};
    kept.object.forms.clear();
    for (const DiskForm& form : object.forms) {
      const std::uint64_t more = kRecordHeaderBytes + kept.key.size() + kMostFormHead + form.place.bytes;
      auto coded = more <= most ? read_place(form.place) : Result<std::string>(std::string());
      if (more > most || !coded) continue;
      most -= more;
      kept.forms.emplace_back(form.coding, std::move(*coded));
    }
    out.push_back(std::move(kept));
  }
  return out;
}

Status DiskLog::write_again(Kept& one) {
  one.object.wanted = static_cast<std::uint8_t>(one.object.wanted - std::min<std::uint8_t>(one.object.wanted, 1));
  const std::uint64_t before = one.object.sequence;
  RPX_TRY(const Written there, append({.kind = RecordKind::kObject}, one.head, one.body));
  one.object.sequence = one.object.body_sequence = there.sequence;
  one.object.head = there.head;
  one.object.body = there.body;
  index_.remove(one.object.hash, before);
  index_.add(one.object);
  for (const auto& [coding, coded] : one.forms)
    RPX_TRY_VOID(append_form(one.key, one.object.hash, there.sequence, coding, coded));
  return {};
}

void DiskLog::reclaim_oldest() {
  const SegmentPtr segment = segments_.front().segment;
  std::vector<Kept> kept;
  if (segments_.size() > 1) kept = kept_of(segment, index_.in_segment(segment->number()));
  segments_.pop_front();
  remove_file(segment);
  count_bytes();
  for (Kept& one : kept) {
    // It may have been taken out meanwhile. If that happens from here on, its tombstone comes after this.
    if (!index_.has(one.object.hash, one.object.sequence)) continue;
    if (write_again(one)) continue;
    // On a full disk: room is made when the segment is closed, below, and that is what this is about.
    counters_.errors.fetch_add(1, std::memory_order_relaxed);
    break;
  }
  kept.clear();
  counters_.evicted.fetch_add(index_.drop(segment->number()), std::memory_order_relaxed);
}

bool DiskLog::has_body(const DiskObject& object, std::string_view body, std::uint32_t sum) const {
  if (object.body.bytes != body.size() || object.body.sum != sum) return false;
  // A checksum says that bytes differ, not that they are the same.
  const auto stored = read_place(object.body);
  return stored && *stored == body;
}

Result<DiskLog::Written> DiskLog::append(RecordHeader header, std::string_view head, std::string_view body) {
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
    return std::unexpected(wrote.error());
  }
  if (last.first_sequence == 0) last.first_sequence = header.sequence;
  last.segment->set_bytes(at + bytes);
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  counters_.written_bytes.fetch_add(bytes, std::memory_order_relaxed);
  const std::uint64_t head_at = at + kRecordHeaderBytes;
  return Written{header.sequence,
                 {last.segment, head_at, head.size(), header.head_sum},
                 {last.segment, head_at + head.size(), body.size(), header.body_sum}};
}

Status DiskLog::append_form(std::string_view key, std::uint64_t hash, std::uint64_t body_sequence, http::Coding coding,
                            std::string_view coded) {
  const std::string head = pack(DiskFormHead{std::string(key), coding});
  RPX_TRY(const Written there, append({.kind = RecordKind::kForm, .reference = body_sequence}, head, coded));
  index_.add_form(hash, body_sequence, {coding, there.body});
  return {};
}

// Another head for a body that is here, and nowhere else.
Status DiskLog::put_head(const Entry& entry) {
  const DiskHead head = head_of(entry);
  const std::string packed = pack(head);
  const std::uint64_t bytes = kRecordHeaderBytes + packed.size();
  if (packed.size() > kMostHeadBytes || bytes + kFileHeaderBytes + purges_.bytes() > size()) return {};
  RPX_TRY_VOID(make_room(bytes + kFileHeaderBytes));
  DiskObject object;
  describe(object, head);
  object.hash = key_hash(head.key);
  object.body_sequence = entry.on_disk()->sequence;
  for (const DiskObject& there : index_.find(object.hash))
    if (there.variant == object.variant && there.body_sequence == object.body_sequence) object.body = there.body;
  // It may have given way.
  if (!object.body.segment) return {};
  RPX_TRY(const Written there,
          append({.kind = RecordKind::kRenewal, .reference = object.body_sequence}, packed, std::string_view()));
  object.sequence = there.sequence;
  object.head = there.head;
  index_.add(std::move(object));
  counters_.written.fetch_add(1, std::memory_order_relaxed);
  return {};
}

Status DiskLog::put(const Entry& entry) {
  if (entry.on_disk()) return put_head(entry);
  DiskHead head = head_of(entry);
  if (!head.is_piece) head.piece_sums = piece_sums(entry.body());
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
  RPX_TRY(const Written there, append(header, packed, header.kind == RecordKind::kRenewal ? std::string_view() : body));
  object.sequence = there.sequence;
  object.head = there.head;
  if (header.kind == RecordKind::kObject) {
    object.body_sequence = there.sequence;
    object.body = there.body;
  }
  index_.add(std::move(object));
  counters_.written.fetch_add(1, std::memory_order_relaxed);
  return {};
}

Status DiskLog::put_form(const Entry& entry, http::Coding coding, std::string_view coded) {
  const std::uint64_t hash = key_hash(entry.key());
  const std::uint64_t variant = variant_of(entry.vary());
  const std::uint32_t sum = checksum(entry.body());
  for (const DiskObject& there : index_.find(hash)) {
    if (there.variant != variant || there.piece != 0 || !has_body(there, entry.body(), sum)) continue;
    if (std::ranges::find(there.forms, coding, &DiskForm::coding) != there.forms.end()) return {};
    const std::uint64_t bytes = kRecordHeaderBytes + entry.key().size() + kMostFormHead + coded.size();
    if (bytes + kFileHeaderBytes + purges_.bytes() > size()) return {};
    RPX_TRY_VOID(make_room(bytes + kFileHeaderBytes));
    // It may just have given way.
    if (!index_.has(hash, there.sequence)) return {};
    return append_form(entry.key(), hash, there.body_sequence, coding, coded);
  }
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
