#include "cache/disk_head.h"

#include <mutex>
#include <set>

#include "cache/disk_format.h"
#include "cache/disk_members.h"

namespace rpx::cache {
namespace {

using disk::append;
using disk::append_number;
using disk::append_pair;
using disk::append_text;
using disk::each_member;
using disk::number_at;
using disk::read_pair;
using disk::Tag;

// The numbers of a head, each of 8 bytes: status, flags, when it was asked for and answered (nanoseconds since 1970),
// lifetime, initial age, how long it is used stale while it is revalidated, and on errors (nanoseconds).
constexpr std::size_t kNumbers = 8;
constexpr std::uint64_t kNoCache = 1;
constexpr std::uint64_t kMustRevalidate = 2;
constexpr std::uint64_t kOutdated = 4;
constexpr std::uint64_t kIsPiece = 8;
constexpr std::uint64_t kAllFlags = 15;

void append_numbers(std::string& out, const DiskHead& head) {
  const auto since_1970 = [](WallTime time) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<Duration>(time.time_since_epoch()).count());
  };
  const auto span = [](Duration value) { return static_cast<std::uint64_t>(value.count()); };
  const std::uint64_t flags = (head.terms.no_cache ? kNoCache : 0) |
                              (head.terms.must_revalidate ? kMustRevalidate : 0) | (head.outdated ? kOutdated : 0) |
                              (head.is_piece ? kIsPiece : 0);
  std::string bytes;
  for (const std::uint64_t number :
       {std::uint64_t{head.status}, flags, since_1970(head.times.asked), since_1970(head.times.answered),
        span(head.terms.lifetime), span(head.terms.initial_age), span(head.terms.stale_while_revalidate),
        span(head.terms.stale_if_error)})
    append_number(bytes, number, 8);
  append(out, Tag::kNumbers, bytes);
}

bool read_numbers(std::string_view bytes, DiskHead& head) {
  if (bytes.size() != kNumbers * 8) return false;
  const auto number = [&](std::size_t i) { return number_at(bytes, i * 8, 8); };
  const auto span = [&](std::size_t i) { return Duration(static_cast<std::int64_t>(number(i))); };
  const std::uint64_t status = number(0);
  const std::uint64_t flags = number(1);
  if (status < 100 || status > 999 || (flags & ~kAllFlags) != 0) return false;
  head.status = static_cast<std::uint16_t>(status);
  head.terms.no_cache = (flags & kNoCache) != 0;
  head.terms.must_revalidate = (flags & kMustRevalidate) != 0;
  head.outdated = (flags & kOutdated) != 0;
  head.is_piece = (flags & kIsPiece) != 0;
  head.times = {WallTime(span(2)), WallTime(span(3))};
  head.terms.lifetime = span(4);
  head.terms.initial_age = span(5);
  head.terms.stale_while_revalidate = span(6);
  head.terms.stale_if_error = span(7);
  return true;
}

// Reasons are static text: what was written by an earlier process lives on here. There are few; of what a strange file
// has besides, nothing is kept.
std::string_view lasting(std::string_view text) {
  constexpr std::size_t kMost = 512;
  static std::mutex mutex;
  static std::set<std::string, std::less<>> known;
  const std::scoped_lock lock(mutex);
  if (const auto at = known.find(text); at != known.end()) return *at;
  if (known.size() >= kMost) return "as stored by another process";
  return *known.emplace(text).first;
}

bool read_place(std::string_view bytes, DiskHead& head) {
  if (bytes.size() != 24) return false;
  const ContentRange place{number_at(bytes, 0, 8), number_at(bytes, 8, 8), number_at(bytes, 16, 8)};
  if (place.first > place.last || place.last >= place.total) return false;
  head.place = place;
  return true;
}

// The size of a piece, then a sum for each.
void append_sums(std::string& out, const std::vector<std::uint32_t>& sums) {
  std::string bytes;
  append_number(bytes, kDiskPiece, 4);
  for (const std::uint32_t sum : sums) append_number(bytes, sum, 4);
  append(out, Tag::kPieceSums, bytes);
}

bool read_sums(std::string_view bytes, DiskHead& head) {
  if (bytes.size() < 4 || bytes.size() % 4 != 0) return false;
  // Of pieces of another size they are of no use.
  if (number_at(bytes, 0, 4) != kDiskPiece) return true;
  for (std::size_t at = 4; at < bytes.size(); at += 4)
    head.piece_sums.push_back(static_cast<std::uint32_t>(number_at(bytes, at, 4)));
  return true;
}

bool read_member(Tag tag, std::string_view bytes, DiskHead& head) {
  switch (tag) {
    case Tag::kKey: head.key = bytes; return true;
    case Tag::kUrl: head.url = bytes; return true;
    case Tag::kHost: head.host = bytes; return true;
    case Tag::kLanguage: head.language = bytes; return true;
    case Tag::kNumbers: return read_numbers(bytes, head);
    case Tag::kSays: head.terms.source.says = lasting(bytes); return true;
    case Tag::kSection: head.terms.source.section = lasting(bytes); return true;
    case Tag::kNoCacheField: head.terms.no_cache_fields.emplace_back(bytes); return true;
    case Tag::kPrivateField: head.terms.private_fields.emplace_back(bytes); return true;
    case Tag::kVary: {
      std::string_view name;
      std::string_view value;
      if (!read_pair(bytes, name, value)) return false;
      head.vary.push_back({std::string(name), std::string(value)});
      return true;
    }
    case Tag::kTag: head.tags.emplace_back(bytes); return true;
    case Tag::kGroup: head.groups.emplace_back(bytes); return true;
    case Tag::kAsked: head.asked = bytes; return true;
    case Tag::kTold: head.told = bytes; return true;
    case Tag::kPlace: return read_place(bytes, head);
    case Tag::kField: {
      std::string_view name;
      std::string_view value;
      if (!read_pair(bytes, name, value)) return false;
      head.fields.emplace_back(name, value);
      return true;
    }
    case Tag::kPieceSums: return read_sums(bytes, head);
    default: return true;
  }
}

}  // namespace

std::string pack(const DiskHead& head) {
  std::string out;
  append_numbers(out, head);
  append_text(out, Tag::kKey, head.key);
  append_text(out, Tag::kUrl, head.url);
  append_text(out, Tag::kHost, head.host);
  append_text(out, Tag::kLanguage, head.language);
  append_text(out, Tag::kSays, head.terms.source.says);
  append_text(out, Tag::kSection, head.terms.source.section);
  for (const std::string& name : head.terms.no_cache_fields) append(out, Tag::kNoCacheField, name);
  for (const std::string& name : head.terms.private_fields) append(out, Tag::kPrivateField, name);
  for (const VaryField& field : head.vary) append_pair(out, Tag::kVary, field.name, field.value);
  for (const std::string& tag : head.tags) append(out, Tag::kTag, tag);
  for (const std::string& group : head.groups) append(out, Tag::kGroup, group);
  append_text(out, Tag::kAsked, head.asked);
  append_text(out, Tag::kTold, head.told);
  if (head.place) {
    std::string bytes;
    for (const std::uint64_t number : {head.place->first, head.place->last, head.place->total})
      append_number(bytes, number, 8);
    append(out, Tag::kPlace, bytes);
  }
  for (const auto& [name, value] : head.fields) append_pair(out, Tag::kField, name, value);
  if (!head.piece_sums.empty()) append_sums(out, head.piece_sums);
  return out;
}

std::optional<DiskHead> unpack_head(std::string_view bytes) {
  DiskHead out;
  bool numbers = false;
  const bool right = each_member(bytes, [&](Tag tag, std::string_view member) {
    numbers = numbers || tag == Tag::kNumbers;
    return read_member(tag, member, out);
  });
  if (!right || !numbers || out.key.empty()) return std::nullopt;
  return out;
}

std::string pack(const DiskFormHead& form) {
  std::string out;
  append(out, Tag::kKey, form.key);
  append(out, Tag::kCoding, http::name_of(form.coding));
  return out;
}

std::optional<DiskFormHead> unpack_form(std::string_view bytes) {
  DiskFormHead out;
  const bool right = each_member(bytes, [&](Tag tag, std::string_view member) {
    if (tag == Tag::kKey) out.key = member;
    if (tag == Tag::kCoding) out.coding = http::coding_of(member).value_or(http::Coding::kIdentity);
    return true;
  });
  if (!right || out.key.empty() || out.coding == http::Coding::kIdentity) return std::nullopt;
  return out;
}

std::string pack(const DiskPurge& purge) {
  std::string out;
  append_text(out, Tag::kKey, purge.key);
  append_text(out, Tag::kUrl, purge.filter.url);
  append_text(out, Tag::kPrefix, purge.filter.prefix);
  append_text(out, Tag::kHost, purge.filter.host);
  append_text(out, Tag::kTag, purge.filter.tag);
  append_text(out, Tag::kGroup, purge.filter.group);
  append_text(out, Tag::kOrigin, purge.filter.origin);
  append(out, Tag::kSoft, purge.soft ? "1" : "0");
  return out;
}

std::optional<DiskPurge> unpack_purge(std::string_view bytes) {
  DiskPurge out;
  const auto text_of = [&out](Tag tag) -> std::string* {
    switch (tag) {
      case Tag::kKey: return &out.key;
      case Tag::kUrl: return &out.filter.url;
      case Tag::kPrefix: return &out.filter.prefix;
      case Tag::kHost: return &out.filter.host;
      case Tag::kTag: return &out.filter.tag;
      case Tag::kGroup: return &out.filter.group;
      case Tag::kOrigin: return &out.filter.origin;
      default: return nullptr;
    }
  };
  // A purge that is not understood must not become one of everything: what it says has to be known.
  bool soft = false;
  const bool right = each_member(bytes, [&](Tag tag, std::string_view member) {
    if (tag == Tag::kSoft) {
      soft = true;
      out.soft = member == "1";
      return member == "0" || member == "1";
    }
    std::string* text = text_of(tag);
    if (text) *text = member;
    return text != nullptr;
  });
  if (!right || !soft) return std::nullopt;
  return out;
}

}  // namespace rpx::cache
