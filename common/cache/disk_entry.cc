#include "cache/disk_entry.h"

#include "cache/disk_body.h"

namespace rpx::cache {

const std::shared_ptr<const DiskBody>& Entry::on_disk() const noexcept {
  static const std::shared_ptr<const DiskBody> kNone;
  return rare_ ? rare_->on_disk : kNone;
}

std::uint64_t Entry::body_bytes() const noexcept { return on_disk() ? on_disk()->place.bytes : body_size_; }

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
  if (entry.on_disk()) out.piece_sums = entry.on_disk()->sums;
  return out;
}

namespace {

EntryPtr make_entry(const DiskHead& head, NewEntry made, std::string_view tag_field) {
  made.key = head.key;
  made.url = head.url;
  made.host = head.host;
  made.status = head.status;
  made.times = head.times;
  made.terms = head.terms;
  made.vary = head.vary;
  if (head.is_piece) made.piece = std::make_unique<const Piece>(Piece{head.asked, head.told, head.place});
  http::Headers fields;
  for (const auto& [name, value] : head.fields) fields.add(name, value);
  EntryPtr entry = Entry::make(std::move(made), fields, tag_field);
  if (head.outdated) entry->mark_outdated();
  return entry;
}

}  // namespace

EntryPtr entry_of(const DiskHead& head, std::string body, std::string_view tag_field) {
  NewEntry made;
  made.body = std::make_shared<const std::string>(std::move(body));
  return make_entry(head, std::move(made), tag_field);
}

EntryPtr entry_of(const DiskHead& head, std::shared_ptr<const DiskBody> body, std::string_view tag_field) {
  NewEntry made;
  made.on_disk = std::move(body);
  return make_entry(head, std::move(made), tag_field);
}

}  // namespace rpx::cache
