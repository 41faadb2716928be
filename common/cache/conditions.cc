#include "cache/conditions.h"

#include <algorithm>

#include "base/text.h"
#include "http/date.h"

namespace rpx::cache {
namespace {

std::string_view opaque(std::string_view tag) noexcept { return tag.starts_with("W/") ? tag.substr(2) : tag; }

// Whether a list of entity tags holds `etag`; commas within quotes are part of a tag.
bool list_has(std::string_view list, std::string_view etag) noexcept {
  std::size_t at = 0;
  while (at < list.size()) {
    while (at < list.size() && (list[at] == ' ' || list[at] == '\t' || list[at] == ',')) ++at;
    const std::size_t begin = at;
    if (list.substr(at).starts_with("W/")) at += 2;
    if (at < list.size() && list[at] == '"') {
      const std::size_t end = list.find('"', at + 1);
      if (end == std::string_view::npos) return false;
      at = end + 1;
    } else {
      while (at < list.size() && list[at] != ',') ++at;
    }
    if (at > begin && weakly_equal(trim(list.substr(begin, at - begin)), etag)) return true;
  }
  return false;
}

// More ranges than this are asked for by those who want the server to work rather than the bytes.
constexpr std::size_t kMostParts = 16;

enum class Read : std::uint8_t { kPart, kNothing, kFault };

// One range of a set: the part it is of an object of `size` bytes, or that it is past its end.
Read read_range(std::string_view spec, std::uint64_t size, Part& out) noexcept {
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return Read::kFault;
  const auto first = parse_uint(spec.substr(0, dash));
  const auto last = parse_uint(spec.substr(dash + 1));
  if (dash == 0) {
    if (!last) return Read::kFault;
    if (*last == 0 || size == 0) return Read::kNothing;
    const std::uint64_t count = std::min(*last, size);
    out = {size - count, count};
    return Read::kPart;
  }
  if (!first || (!last && dash + 1 != spec.size()) || (last && *last < *first)) return Read::kFault;
  if (*first >= size) return Read::kNothing;
  out = {*first, (last ? std::min(*last, size - 1) : size - 1) - *first + 1};
  return Read::kPart;
}

bool overlap(const Part& a, const Part& b) noexcept { return a.first < b.first + b.size && b.first < a.first + a.size; }

}  // namespace

bool weakly_equal(std::string_view a, std::string_view b) noexcept { return !a.empty() && opaque(a) == opaque(b); }

bool is_not_modified(const RequestFacts& request, const Validators& stored) noexcept {
  if (!request.if_none_match.empty()) {
    if (trim(request.if_none_match) == "*") return true;
    return !stored.etag.empty() && list_has(request.if_none_match, stored.etag);
  }
  if (request.if_modified_since.empty() || stored.last_modified.empty()) return false;
  const auto since = http::parse_http_date(request.if_modified_since);
  const auto changed = http::parse_http_date(stored.last_modified);
  return since && changed && *changed <= *since;
}

bool range_holds(std::string_view if_range, const Validators& stored) noexcept {
  if (if_range.starts_with('"')) return if_range == stored.etag;
  if (if_range.starts_with("W/")) return false;
  return !stored.last_modified.empty() && if_range == stored.last_modified;
}

Parts parts_of(const RequestFacts& request, const Validators& stored, std::uint64_t size) {
  const std::string_view range = trim(request.range);
  if (range.size() < 6 || !iequals(range.substr(0, 6), "bytes=")) return {};
  if (!request.if_range.empty() && !range_holds(request.if_range, stored)) return {};
  Parts out;
  std::size_t ranges = 0;
  for (const std::string_view spec : split(range.substr(6), ',')) {
    const std::string_view one = trim(spec);
    if (one.empty() && ranges != 0) continue;
    if (++ranges > kMostParts) return {};
    Part part;
    const Read read = read_range(one, size, part);
    if (read == Read::kFault) return {};
    if (read == Read::kNothing) continue;
    if (std::ranges::any_of(out.parts, [&](const Part& other) { return overlap(part, other); })) return {};
    out.parts.push_back(part);
  }
  out.kind = out.parts.empty() ? Parts::Kind::kUnsatisfiable : Parts::Kind::kParts;
  return out;
}

std::optional<ContentRange> parse_content_range(std::string_view value) noexcept {
  if (value.size() < 6 || !iequals(value.substr(0, 6), "bytes ")) return std::nullopt;
  value = trim(value.substr(6));
  const std::size_t dash = value.find('-');
  const std::size_t slash = value.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) return std::nullopt;
  const auto first = parse_uint(value.substr(0, dash));
  const auto last = parse_uint(value.substr(dash + 1, slash - dash - 1));
  const auto total = parse_uint(value.substr(slash + 1));
  if (!first || !last || !total || *first > *last || *last >= *total) return std::nullopt;
  return ContentRange{*first, *last, *total};
}

bool is_strong(std::string_view etag) noexcept { return etag.size() >= 2 && etag.starts_with('"'); }

}  // namespace rpx::cache
