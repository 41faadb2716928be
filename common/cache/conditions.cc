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

// RFC 9110 section 13.1.5: a strong entity tag, or a date that is the stored one.
bool range_holds(std::string_view if_range, const Validators& stored) noexcept {
  if (if_range.starts_with('"')) return if_range == stored.etag;
  if (if_range.starts_with("W/")) return false;
  return !stored.last_modified.empty() && if_range == stored.last_modified;
}

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

Part part_of(const RequestFacts& request, const Validators& stored, std::uint64_t size) noexcept {
  const std::string_view range = trim(request.range);
  if (range.size() < 6 || !iequals(range.substr(0, 6), "bytes=")) return {};
  if (!request.if_range.empty() && !range_holds(request.if_range, stored)) return {};
  const std::string_view spec = trim(range.substr(6));
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos || spec.find(',') != std::string_view::npos) return {};
  const auto first = parse_uint(spec.substr(0, dash));
  const auto last = parse_uint(spec.substr(dash + 1));
  if (dash == 0) {
    if (!last) return {};
    if (*last == 0 || size == 0) return {Part::Kind::kUnsatisfiable};
    const std::uint64_t count = std::min(*last, size);
    return {Part::Kind::kPart, size - count, count};
  }
  if (!first || (!last && dash + 1 != spec.size()) || (last && *last < *first)) return {};
  if (*first >= size) return {Part::Kind::kUnsatisfiable};
  return {Part::Kind::kPart, *first, (last ? std::min(*last, size - 1) : size - 1) - *first + 1};
}

}  // namespace rpx::cache
