#include "cache/disk_entry.h"

namespace rpx::cache {

DiskHead head_of(const Entry& entry) {
  DiskHead out;
  out.key = entry.key();
  out.url = entry.url();
  out.host = entry.host();
  out.status = entry.status();
  out.times = entry.times();
  out.terms = entry.terms();
  out.outdated = entry.outdated();
  out.vary = entry.vary();
  out.tags = entry.tags();
  out.groups = entry.groups();
  out.language = entry.language();
  if (const Piece* piece = entry.piece()) {
    out.is_piece = true;
    out.asked = piece->asked;
    out.told = piece->told;
    out.place = piece->place;
  }
  const http::Headers fields = entry.fields();
  for (const http::Field& field : fields) out.fields.emplace_back(field.name, field.value);
  return out;
}

EntryPtr entry_of(const DiskHead& head, std::string body, std::string_view tag_field) {
  NewEntry made;
  made.key = head.key;
  made.url = head.url;
  made.host = head.host;
  made.status = head.status;
  made.times = head.times;
  made.terms = head.terms;
  made.body = std::make_shared<const std::string>(std::move(body));
  made.vary = head.vary;
  if (head.is_piece) made.piece = std::make_unique<const Piece>(Piece{head.asked, head.told, head.place});
  http::Headers fields;
  for (const auto& [name, value] : head.fields) fields.add(name, value);
  EntryPtr entry = Entry::make(std::move(made), fields, tag_field);
  if (head.outdated) entry->mark_outdated();
  return entry;
}

}  // namespace rpx::cache
