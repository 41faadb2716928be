#include "cache/disk_replay.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "base/result.h"
#include "cache/disk_scan.h"
#include "cache/key.h"

namespace rpx::cache {
namespace {

bool is_locked(int folder) {
  const net::UniqueFd lock(::openat(folder, "lock", O_RDONLY | O_CLOEXEC));
  return lock && ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

// Reads the purges. False: nothing in the folder is of use.
Result<bool> read_purge_file(int folder, DiskSurvey& out, PurgeTable& purges) {
  std::uint64_t last = 0;
  const auto found = PurgeFile::look(folder, purges, last);
  if (!found && found.error().kind != ErrorKind::kNotFound) return std::unexpected(found.error());
  if (found && *found == PurgeFile::Found::kWhole) return true;
  out.faults.push_back({"purges", "",
                        found ? "it is damaged: nothing that is stored can be used"
                              : "it is not there: nothing that is stored can be used"});
  return false;
}

Status survey_segment(int folder, std::uint64_t number, DiskSurvey& out, DiskIndex& index, const PurgeTable& purges,
                      std::uint64_t& last) {
  const std::string name = segment_name(number);
  Result<SegmentPtr> segment = open_segment(folder, number, false);
  // A proxy that runs may have let it go since.
  if (!segment && out.locked) return {};
  if (!segment) return std::unexpected(segment.error());
  ++out.segments;
  out.bytes += (*segment)->bytes();
  const auto scanned =
      scan_segment(**segment, last, [&](const RecordHeader& header, std::uint64_t at, std::string_view head) {
        replay(index, purges, *segment, header, at, head);
      });
  if (!scanned && scanned.error().kind == ErrorKind::kIo) return std::unexpected(scanned.error());
  if (!scanned) {
    out.other_version = out.other_version || scanned.error().detail.starts_with("written by another");
    out.faults.push_back({name, "", scanned.error().detail});
    return {};
  }
  last = scanned->last_sequence;
  if (!scanned->whole) out.unused += (*segment)->bytes() - scanned->end;
  return {};
}

}  // namespace

Result<std::string> read_place(const DiskPlace& place) {
  std::string out(place.bytes, '\0');
  RPX_TRY_VOID(read_at(place.segment->fd(), place.at, out.data(), out.size()));
  if (checksum(out) != place.sum) return self_error(ErrorKind::kBadResponse, "its checksum is wrong");
  return out;
}

void replay(DiskIndex& index, const PurgeTable& purges, const SegmentPtr& segment, const RecordHeader& header,
            std::uint64_t at, std::string_view bytes) {
  if (header.kind == RecordKind::kForm) {
    const DiskPlace place{segment, at + kRecordHeaderBytes + header.head_bytes, header.body_bytes, header.body_sum};
    if (const auto form = unpack_form(bytes))
      index.add_form(key_hash(form->key), header.reference, {form->coding, place});
    return;
  }
  const auto head = unpack_head(bytes);
  if (!head) return;
  DiskObject object;
  describe(object, *head);
  object.hash = key_hash(head->key);
  object.sequence = header.sequence;
  object.head = {segment, at + kRecordHeaderBytes, header.head_bytes, header.head_sum};
  if (header.kind == RecordKind::kObject) {
    object.body_sequence = header.sequence;
    object.body = {segment, object.head.at + header.head_bytes, header.body_bytes, header.body_sum};
  } else {
    for (const DiskObject& there : index.find(object.hash))
      if (there.body_sequence == header.reference && there.variant == object.variant) {
        object.body_sequence = there.body_sequence;
        object.body = there.body;
      }
    // The body has gone, with a purge or without.
    if (!object.body.segment) return;
  }
  if (!purges.empty()) {
    if (purges.last(head->key, object.brief, false) > header.sequence) {
      // It had taken the place of what was there before it.
      index.add(object);
      index.remove(object.hash, object.sequence);
      return;
    }
    if (purges.last(head->key, object.brief, true) > header.sequence) object.outdated = true;
  }
  index.add(std::move(object));
}

Result<DiskSurvey> survey(const std::string& path, DiskIndex& index, bool bodies) {
  const net::UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return self_error(errno == ENOENT ? ErrorKind::kNotFound : ErrorKind::kIo, errno_text(path, errno));
  DiskSurvey out;
  out.locked = is_locked(folder.get());
  RPX_TRY(const std::vector<std::uint64_t> numbers, segments_in(folder.get(), out.foreign));
  PurgeTable purges;
  // A folder that has never been one of a store.
  if (numbers.empty() && ::faccessat(folder.get(), "purges", F_OK, 0) != 0) return out;
  RPX_TRY(const bool usable, read_purge_file(folder.get(), out, purges));
  std::uint64_t last = 0;
  for (const std::uint64_t number : numbers)
    RPX_TRY_VOID(survey_segment(folder.get(), number, out, index, purges, last));
  if (!usable) index.clear();
  index.each({}, [&](DiskObject& object) {
    ++out.objects;
    if (!bodies) return false;
    auto fault = read_place(object.head);
    if (fault) fault = read_place(object.body);
    for (const DiskForm& form : object.forms)
      if (fault) fault = read_place(form.place);
    if (!fault)
      out.faults.push_back(
          {segment_name(object.body.segment->number()), std::string(url_in(object.brief)), fault.error().detail});
    return false;
  });
  return out;
}

}  // namespace rpx::cache
