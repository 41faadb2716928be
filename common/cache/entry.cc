#include "cache/entry.h"

#include <algorithm>

#include "base/text.h"
#include "cache/groups.h"
#include "cache/languages.h"

namespace rpx::cache {
namespace {

using http::Field;
using http::FieldId;

// Control blocks, list links and the place in the index that an entry costs beside its own memory.
constexpr std::size_t kPlaceBytes = 160;

// Fields of the message that was received, not of the object (RFC 9111 section 3.1).
bool is_left_out(const Field& field, const NewEntry& made) {
  if (field.id == FieldId::kContentLength || field.id == FieldId::kTransferEncoding ||
      field.id == FieldId::kConnection || field.id == FieldId::kTrailer)
    return true;
  if (field.name.size() == 3 && iequals(field.name, "Age")) return true;
  if (made.piece && iequals(field.name, "Content-Range")) return true;
  return std::ranges::any_of(made.terms.private_fields,
                             [&](const std::string& name) { return iequals(name, field.name); });
}

// Values that mean the same look the same: blanks around commas go, languages stand in one order (RFC 9111 section
// 4.1).
std::string normalised(const http::Headers& request, std::string_view name) {
  std::string out;
  bool any = false;
  for (const Field& field : request) {
    if (field.name.size() != name.size() || !iequals(field.name, name)) continue;
    for (const std::string_view part : split(field.value, ',')) {
      if (any) out += ',';
      out += trim(part);
      any = true;
    }
  }
  if (any && name == "accept-language") return normal_languages(out);
  // That a field is there but empty differs from its absence.
  return any ? out : std::string(1, '\0');
}

// Fields of a stored reply that an update does not touch: they are about the stored bytes.
bool is_of_content(const Field& field) noexcept {
  return field.id == FieldId::kContentLength || field.id == FieldId::kContentEncoding ||
         field.id == FieldId::kTransferEncoding || iequals(field.name, "Content-Range");
}

}  // namespace

Entry::Entry(NewEntry made, const http::Headers& reply, std::string_view tag_field) : made_(std::move(made)) {
  std::size_t size = 0;
  for (const Field& field : reply) size += field.name.size() + field.value.size();
  text_.reserve(size);
  fields_.raw().reserve(reply.size());
  const auto keep = [this](std::string_view text) {
    const std::size_t at = text_.size();
    text_.append(text);
    return std::string_view(text_).substr(at);
  };
  for (const Field& field : reply) {
    if (is_left_out(field, made_)) continue;
    // The text has room for all of it: views stay where they are.
    const std::string_view name = keep(field.name);
    fields_.add(field.id, name, keep(field.value));
    if (!tag_field.empty() && iequals(field.name, tag_field))
      for (const std::string_view word : split(field.value, ' '))
        if (!trim(word).empty()) tags_.emplace_back(trim(word));
  }
  groups_ = groups_in(fields_, "Cache-Groups");
  if (const std::string_view language = fields_.value("Content-Language"); language.find(',') == std::string_view::npos)
    language_ = lower(language);
  validators_ = {fields_.value(FieldId::kETag), fields_.value(FieldId::kLastModified)};
  bytes_ = sizeof(Entry) + kPlaceBytes + text_.capacity() + fields_.raw().capacity() * sizeof(Field) +
           made_.key.capacity() + made_.url.capacity() + made_.host.capacity() + made_.body->capacity() +
           made_.assumed_bytes;
  for (const VaryField& field : made_.vary)
    bytes_ += sizeof(VaryField) + field.name.capacity() + field.value.capacity();
  for (const std::string& tag : tags_) bytes_ += sizeof(std::string) + tag.capacity();
  for (const std::string& group : groups_) bytes_ += sizeof(std::string) + group.capacity();
  if (made_.piece) bytes_ += sizeof(Piece) + made_.piece->asked.capacity() + made_.piece->told.capacity();
}

Entry::~Entry() { delete forms(); }

CodedForms& Entry::want_forms() const {
  if (CodedForms* there = forms()) return *there;
  auto made = std::make_unique<CodedForms>();
  CodedForms* first = nullptr;
  if (forms_.compare_exchange_strong(first, made.get(), std::memory_order_acq_rel)) return *made.release();
  return *first;
}

std::ptrdiff_t Entry::put_form(http::Coding coding, CodedForm form) const {
  const std::ptrdiff_t grown = want_forms().put(coding, std::move(form));
  coded_bytes_.fetch_add(static_cast<std::size_t>(grown), std::memory_order_relaxed);
  return grown;
}

void Entry::take_forms_of(const Entry& other) {
  const CodedForms* forms = other.forms();
  if (forms) coded_bytes_.store(want_forms().copy(*forms), std::memory_order_relaxed);
}

bool Entry::matches(const http::Headers& request) const {
  return std::ranges::all_of(made_.vary, [&](const VaryField& field) {
    const std::string asked = normalised(request, field.name);
    if (asked == field.value) return true;
    // Whoever likes this language best is served it by any origin that has it.
    return !language_.empty() && field.name == "accept-language" && best_language(asked) == language_;
  });
}

bool join(Piece& piece, std::string& body, std::string_view etag, const Entry& other) {
  const Piece* old = other.piece();
  if (!old || !old->place || !piece.place || !is_strong(etag) || other.validators().etag != etag) return false;
  ContentRange& here = *piece.place;
  const ContentRange& there = *old->place;
  if (here.total != there.total || there.first > here.last + 1 || here.first > there.last + 1) return false;
  // What has just come stays as it is; what is stored fills in around it.
  const std::string_view stored = *other.body();
  std::string all;
  all.reserve(std::max(here.last, there.last) + 1 - std::min(here.first, there.first));
  if (there.first < here.first) all.append(stored.substr(0, here.first - there.first));
  all.append(body);
  if (there.last > here.last) all.append(stored.substr(here.last + 1 - there.first));
  body = std::move(all);
  here.first = std::min(here.first, there.first);
  here.last = std::max(here.last, there.last);
  return true;
}

std::vector<VaryField> vary_of(const http::Headers& reply, const http::Headers& request) {
  std::vector<VaryField> out;
  for (const Field& field : reply) {
    if (field.name.size() != 4 || !iequals(field.name, "Vary")) continue;
    for (const std::string_view part : split(field.value, ',')) {
      const std::string name = lower(trim(part));
      if (name.empty() || std::ranges::find(out, name, &VaryField::name) != out.end()) continue;
      out.push_back({name, normalised(request, name)});
    }
  }
  std::ranges::sort(out, {}, &VaryField::name);
  return out;
}

http::Headers merged(const http::Headers& stored, const http::Headers& update) {
  http::Headers out;
  for (const Field& field : stored) {
    const bool replaced = !is_of_content(field) && std::ranges::any_of(update.fields(), [&](const Field& fresh) {
      return field.name.size() == fresh.name.size() && iequals(field.name, fresh.name);
    });
    if (!replaced) out.add(field.id, field.name, field.value);
  }
  for (const Field& field : update)
    if (!is_of_content(field)) out.add(field.id, field.name, field.value);
  return out;
}

}  // namespace rpx::cache
