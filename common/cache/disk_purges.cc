#include "cache/disk_purges.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/result.h"
#include "cache/disk_brief.h"
#include "cache/disk_files.h"
#include "cache/disk_format.h"

namespace rpx::cache {
namespace {

constexpr const char* kName = "purges";
constexpr const char* kNewName = "purges.new";

std::string header_bytes() {
  std::string out;
  append_file_header(out, {FileKind::kPurges, 0});
  return out;
}

// What a crash leaves behind the last record that was acknowledged: a part of one, or nothing but zeros.
bool is_torn(std::string_view rest) noexcept {
  if (rest.size() < kRecordHeaderBytes || rest.find_first_not_of('\0') == std::string_view::npos) return true;
  const auto header = read_record_header(rest);
  // One that is there in its whole length and wrong has been acknowledged, perhaps.
  return header && header->size() > rest.size();
}

struct Reading {
  PurgeFile::Found found = PurgeFile::Found::kWhole;
  std::string kept;  // header and the purges that still cover something
  std::uint64_t last = 0;
  bool changed = false;
};

Reading read_purges(std::string_view bytes, std::uint64_t oldest, PurgeTable& table) {
  Reading out;
  out.kept = header_bytes();
  const auto file = read_file_header(bytes);
  if (!file || file->kind != FileKind::kPurges) {
    out.found = PurgeFile::Found::kDamaged;
    return out;
  }
  bytes.remove_prefix(kFileHeaderBytes);
  while (!bytes.empty()) {
    const auto header = read_record_header(bytes);
    const bool whole = header && header->size() <= bytes.size() && header->kind == RecordKind::kPurge;
    const std::string_view head = whole ? bytes.substr(kRecordHeaderBytes, header->head_bytes) : std::string_view();
    const auto purge = whole && checksum(head) == header->head_sum ? unpack_purge(head) : std::nullopt;
    if (!purge) {
      if (!is_torn(bytes)) out.found = PurgeFile::Found::kDamaged;
      out.changed = true;
      break;
    }
    out.last = std::max(out.last, header->sequence);
    if (header->sequence > oldest) {
      table.add(*purge, header->sequence);
      out.kept.append(bytes.substr(0, header->size()));
    } else {
      out.changed = true;
    }
    bytes.remove_prefix(header->size());
  }
  return out;
}

}  // namespace

void PurgeTable::add(const DiskPurge& purge, std::uint64_t sequence) {
  Times& times = times_[purge.soft ? 1 : 0];
  const Filter& filter = purge.filter;
  const auto note = [&](ByText& texts, const std::string& text) { texts[text] = std::max(texts[text], sequence); };
  const int given = (filter.url.empty() ? 0 : 1) + (filter.prefix.empty() ? 0 : 1) + (filter.host.empty() ? 0 : 1) +
                    (filter.tag.empty() ? 0 : 1) + (filter.group.empty() ? 0 : 1);
  if (!purge.key.empty()) {
    note(times.keys, purge.key);
  } else if (given == 0) {
    times.all = std::max(times.all, sequence);
  } else if (given == 1 && !filter.url.empty()) {
    note(times.urls, filter.url);
  } else if (given == 1 && !filter.host.empty()) {
    note(times.hosts, filter.host);
  } else {
    const auto at = std::ranges::find(times.rest, filter, &std::pair<Filter, std::uint64_t>::first);
    if (at == times.rest.end())
      times.rest.emplace_back(filter, sequence);
    else
      at->second = std::max(at->second, sequence);
  }
}

std::uint64_t PurgeTable::last(std::string_view key, std::string_view brief, bool soft) const {
  const Times& times = times_[soft ? 1 : 0];
  std::uint64_t out = times.all;
  const auto look = [&](const ByText& texts, std::string_view text) {
    if (const auto at = texts.find(text); at != texts.end()) out = std::max(out, at->second);
  };
  if (!times.keys.empty()) look(times.keys, key);
  if (!times.urls.empty()) look(times.urls, url_in(brief));
  if (!times.hosts.empty()) look(times.hosts, host_in(brief));
  for (const auto& [filter, sequence] : times.rest)
    if (sequence > out && suits(filter, brief)) out = sequence;
  return out;
}

Result<PurgeFile::Found> PurgeFile::open(int folder, std::uint64_t oldest, PurgeTable& table) {
  folder_ = folder;
  Result<std::string> bytes = read_whole_file(folder, kName);
  if (!bytes && bytes.error().kind != ErrorKind::kNotFound) return std::unexpected(bytes.error());
  Reading reading;
  if (bytes) {
    reading = read_purges(*bytes, oldest, table);
  } else {
    reading.found = Found::kNone;
    reading.kept = header_bytes();
  }
  last_ = reading.last;
  if (reading.found == Found::kDamaged) {
    table = {};
    reading.kept = header_bytes();
  }
  if (reading.found != Found::kWhole || reading.changed) {
    RPX_TRY_VOID(write_anew(reading.kept));
  } else {
    fd_ = net::UniqueFd(::openat(folder, kName, O_RDWR | O_CLOEXEC));
    if (!fd_) return self_error(ErrorKind::kIo, errno_text("purges: open", errno));
    bytes_ = bytes->size();
  }
  return reading.found;
}

Result<PurgeFile::Found> PurgeFile::look(int folder, PurgeTable& table, std::uint64_t& last) {
  RPX_TRY(const std::string bytes, read_whole_file(folder, kName));
  const Reading reading = read_purges(bytes, 0, table);
  last = reading.last;
  return reading.found;
}

Status PurgeFile::write_anew(std::string_view bytes) {
  net::UniqueFd made(::openat(folder_, kNewName, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!made) return self_error(ErrorKind::kIo, errno_text("purges: create", errno));
  RPX_TRY_VOID(write_at(made.get(), 0, bytes, {}));
  if (::fdatasync(made.get()) != 0) return self_error(ErrorKind::kIo, errno_text("purges: sync", errno));
  if (::renameat(folder_, kNewName, folder_, kName) != 0)
    return self_error(ErrorKind::kIo, errno_text("purges: rename", errno));
  // The name is on the disk, too.
  if (::fsync(folder_) != 0) return self_error(ErrorKind::kIo, errno_text("folder: sync", errno));
  fd_ = std::move(made);
  bytes_ = bytes.size();
  return {};
}

Status PurgeFile::add(const DiskPurge& purge, std::uint64_t sequence) {
  std::string bytes;
  RecordHeader header{.kind = RecordKind::kPurge, .sequence = sequence};
  append_record(bytes, header, pack(purge), {});
  Status written = write_at(fd_.get(), bytes_, bytes, {});
  if (written && ::fdatasync(fd_.get()) != 0) written = self_error(ErrorKind::kIo, errno_text("purges: sync", errno));
  if (!written) {
    // A part of a record may be there: the next one is written over it.
    if (::ftruncate(fd_.get(), static_cast<off_t>(bytes_)) != 0) return written;
    return written;
  }
  bytes_ += bytes.size();
  last_ = sequence;
  return {};
}

Status PurgeFile::shorten(std::uint64_t oldest) {
  RPX_TRY(const std::string bytes, read_whole_file(folder_, kName));
  PurgeTable table;
  const Reading reading = read_purges(bytes, oldest, table);
  if (reading.found != Found::kWhole || reading.kept.size() >= bytes_) return {};
  return write_anew(reading.kept);
}

}  // namespace rpx::cache
