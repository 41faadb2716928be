#include "cache/disk_brief.h"

#include "cache/disk_members.h"

namespace rpx::cache {
namespace {

using disk::each_member;
using disk::Tag;

std::string_view member_of(std::string_view brief, Tag wanted) noexcept {
  std::string_view out;
  each_member(brief, [&](Tag tag, std::string_view member) {
    if (tag == wanted) out = member;
    return tag != wanted;
  });
  return out;
}

bool begins_origin(std::string_view url, std::string_view origin) noexcept {
  return url.starts_with(origin) && (url.size() == origin.size() || url[origin.size()] == '/');
}

}  // namespace

std::string brief_of(const DiskHead& head) {
  std::string out;
  disk::append(out, Tag::kUrl, head.url);
  disk::append(out, Tag::kHost, head.host);
  disk::append_text(out, Tag::kLanguage, head.language);
  for (const VaryField& field : head.vary) disk::append_pair(out, Tag::kVary, field.name, field.value);
  for (const std::string& tag : head.tags) disk::append(out, Tag::kTag, tag);
  for (const std::string& group : head.groups) disk::append(out, Tag::kGroup, group);
  out.shrink_to_fit();
  return out;
}

std::string_view url_in(std::string_view brief) noexcept { return member_of(brief, Tag::kUrl); }
std::string_view host_in(std::string_view brief) noexcept { return member_of(brief, Tag::kHost); }
std::string_view language_in(std::string_view brief) noexcept { return member_of(brief, Tag::kLanguage); }

std::vector<VaryField> vary_in(std::string_view brief) {
  std::vector<VaryField> out;
  each_member(brief, [&](Tag tag, std::string_view member) {
    std::string_view name;
    std::string_view value;
    if (tag == Tag::kVary && disk::read_pair(member, name, value))
      out.push_back({std::string(name), std::string(value)});
    return true;
  });
  return out;
}

std::vector<std::string> tags_in(std::string_view brief) {
  std::vector<std::string> out;
  each_member(brief, [&](Tag tag, std::string_view member) {
    if (tag == Tag::kTag) out.emplace_back(member);
    return true;
  });
  return out;
}

bool suits(const Filter& filter, std::string_view brief) {
  bool url = filter.url.empty() && filter.prefix.empty() && filter.group.empty();
  bool host = filter.host.empty();
  bool tagged = filter.tag.empty();
  bool grouped = filter.group.empty();
  each_member(brief, [&](Tag tag, std::string_view member) {
    if (tag == Tag::kUrl)
      url = (filter.url.empty() || member == filter.url) && member.starts_with(filter.prefix) &&
            (filter.group.empty() || begins_origin(member, filter.origin));
    else if (tag == Tag::kHost)
      host = host || member == filter.host;
    else if (tag == Tag::kTag)
      tagged = tagged || member == filter.tag;
    else if (tag == Tag::kGroup)
      grouped = grouped || member == filter.group;
    return true;
  });
  return url && host && tagged && grouped;
}

std::uint64_t variant_of(const std::vector<VaryField>& vary) noexcept {
  std::uint64_t out = 0x9E3779B97F4A7C15ULL;
  for (const VaryField& field : vary)
    for (const std::string_view text : {std::string_view(field.name), std::string_view(field.value)}) {
      out ^= std::hash<std::string_view>()(text);
      out *= 0xBF58476D1CE4E5B9ULL;
      out ^= out >> 31U;
    }
  return out;
}

}  // namespace rpx::cache
