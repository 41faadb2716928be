#include "cache/entry.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "cache/groups.h"
#include "cache/languages.h"
#include "cache/packed.h"
#include "cache/reasons.h"

namespace rpx::cache {
namespace {

using http::Field;
using http::FieldId;

// Its share in the index: a pointer, in a table that is half full at least.
constexpr std::size_t kPlaceBytes = 2 * sizeof(void*);
// The place of a label in the index of labels.
constexpr std::size_t kLabelBytes = 56;
// The block of a shared text: counts and the text itself, without its bytes.
constexpr std::size_t kSharedTextBytes = 64;

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

// Where everything goes in an entry's block.
struct Entry::Layout {
  std::size_t key_at = 0;
  std::size_t host_at = 0;
  std::size_t vary_at = 0;
  std::size_t fields_at = 0;
  std::size_t groups_at = 0;
  std::size_t body_at = 0;
  std::size_t end = 0;
  http::Headers kept;  // the fields that are stored
  std::vector<std::string> groups;

  Layout(const NewEntry& made, const http::Headers& reply) {
    for (const Field& field : reply)
      if (!is_left_out(field, made)) kept.add(field.id, field.name, field.value);
    groups = groups_in(kept, "Cache-Groups");
    end = made.url.size();
    key_at = made.url.starts_with(made.key) ? 0 : std::exchange(end, end + made.key.size());
    host_at = made.url.find(made.host);
    if (host_at == std::string::npos) host_at = std::exchange(end, end + made.host.size());
    vary_at = end;
    for (const VaryField& field : made.vary) end += packed_size(field.name, field.value);
    fields_at = end;
    for (const Field& field : kept) end += 1 + packed_size(field.name, field.value);
    groups_at = end;
    for (const std::string& group : groups) end += group.size();
    body_at = end;
    if (made.body && made.body->size() <= kShortBody) end += made.body->size();
  }
};

EntryPtr Entry::make(NewEntry made, const http::Headers& reply, std::string_view tag_field) {
  const Layout layout(made, reply);
  void* block = ::operator new(sizeof(Entry) + layout.end);
  try {
    return EntryPtr::adopt(new (block) Entry(made, layout, tag_field));
  } catch (...) {
    ::operator delete(block);
    throw;
  }
}

Entry::Entry(NewEntry& made, const Layout& layout, std::string_view tag_field)
    : status_(made.status),
      source_(number_of(made.terms.source)),
      no_cache_(made.terms.no_cache),
      must_revalidate_(made.terms.must_revalidate),
      answered_(made.times.answered),
      asked_before_(narrow(static_cast<std::size_t>(std::clamp<std::int64_t>(
          std::chrono::floor<std::chrono::microseconds>(made.times.answered - made.times.asked).count(), 0,
          std::numeric_limits<std::uint32_t>::max())))),
      lifetime_(made.terms.lifetime),
      initial_age_(made.terms.initial_age, true),
      stale_while_revalidate_(made.terms.stale_while_revalidate),
      stale_if_error_(made.terms.stale_if_error),
      url_size_(narrow(made.url.size())),
      key_at_(narrow(layout.key_at)),
      key_size_(narrow(made.key.size())),
      host_at_(narrow(layout.host_at)),
      host_size_(narrow(made.host.size())),
      vary_at_(narrow(layout.vary_at)),
      fields_at_(narrow(layout.fields_at)),
      fields_end_(narrow(layout.groups_at)),
      body_(text() + layout.body_at),
      body_size_(made.body ? made.body->size() : 0) {
  char* const begin = reinterpret_cast<char*>(this + 1);
  put_text(begin, made.url);
  put_text(begin + key_at_, made.key);
  put_text(begin + host_at_, made.host);
  char* to = begin + vary_at_;
  for (const VaryField& field : made.vary) to = pack_pair(to, field.name, field.value);
  for (const Field& field : layout.kept) {
    *to++ = static_cast<char>(field.id);
    to = pack_pair(to, field.name, field.value);
  }
  for (const std::string& group : layout.groups) to = put_text(to, group);
  if (body_size_ > kShortBody) {
    want_rare().body = std::move(made.body);
    body_ = rare_->body->data();
  } else if (body_size_ != 0) {
    put_text(to, *made.body);
  }
  if (made.on_disk) want_rare().on_disk = std::move(made.on_disk);
  if (made.piece) want_rare().piece = std::move(made.piece);
  if (!made.terms.no_cache_fields.empty()) want_rare().no_cache_fields = std::move(made.terms.no_cache_fields);
  if (!made.terms.private_fields.empty()) want_rare().private_fields = std::move(made.terms.private_fields);
  add_labels(tag_field, layout.groups, layout.groups_at);
  bytes_ = heap_bytes(this) + kPlaceBytes + made.assumed_bytes + rare_bytes();
  if (made.forms_of && made.forms_of->forms()) want_forms().copy(*made.forms_of->forms());
}

Entry::~Entry() { delete forms(); }

void Entry::destroy(const Entry* entry) noexcept {
  entry->~Entry();
  ::operator delete(const_cast<Entry*>(entry));
}

Entry::Rare& Entry::want_rare() {
  if (!rare_) rare_ = std::make_unique<Rare>();
  return *rare_;
}

std::size_t Entry::rare_bytes() const noexcept {
  if (!rare_) return 0;
  std::size_t out = heap_bytes(rare_.get()) + heap_bytes(rare_->labels.data()) + rare_->labels.size() * kLabelBytes;
  if (rare_->body) out += kSharedTextBytes + heap_bytes(*rare_->body);
  if (rare_->piece)
    out += heap_bytes(rare_->piece.get()) + heap_bytes(rare_->piece->asked) + heap_bytes(rare_->piece->told);
  for (const auto* names : {&rare_->no_cache_fields, &rare_->private_fields}) {
    out += heap_bytes(names->data());
    for (const std::string& name : *names) out += heap_bytes(name);
  }
  return out;
}

void Entry::add_labels(std::string_view tag_field, const std::vector<std::string>& groups, std::size_t groups_at) {
  std::vector<Label> labels;
  const auto add = [&](std::size_t at, std::size_t size, bool is_group) {
    if (std::ranges::any_of(labels, [&](const Label& other) {
          return other.is_group == (is_group ? 1 : 0) && other.size == size &&
                 std::equal(text() + at, text() + at + size, text() + other.at);
        }))
      return;
    Label label;
    label.owner = this;
    label.hash = label_hash({text() + at, size}, is_group);
    label.at = narrow(at);
    label.size = narrow(size) & 0x7fffffffU;
    label.is_group = is_group ? 1 : 0;
    labels.push_back(label);
  };
  if (!tag_field.empty())
    each_field([&](FieldId, std::string_view name, std::string_view value) {
      if (!iequals(name, tag_field)) return;
      for (const std::string_view part : split(value, ' '))
        if (const std::string_view word = trim(part); !word.empty())
          add(static_cast<std::size_t>(word.data() - text()), word.size(), false);
    });
  for (const std::string& group : groups) add(std::exchange(groups_at, groups_at + group.size()), group.size(), true);
  if (labels.empty()) return;
  labels.shrink_to_fit();
  want_rare().labels = std::move(labels);
}

std::vector<std::string> Entry::labels(bool groups) const {
  std::vector<std::string> out;
  if (rare_)
    for (const Label& label : rare_->labels)
      if ((label.is_group != 0) == groups) out.emplace_back(text() + label.at, label.size);
  return out;
}

bool Entry::has_label(std::string_view name, bool is_group) const noexcept {
  return rare_ && std::ranges::any_of(rare_->labels, [&](const Label& label) {
           return (label.is_group != 0) == is_group && std::string_view(text() + label.at, label.size) == name;
         });
}

Terms Entry::terms() const {
  Terms out;
  out.lifetime = lifetime_.value();
  out.initial_age = initial_age_.value();
  out.stale_while_revalidate = stale_while_revalidate_.value();
  out.stale_if_error = stale_if_error_.value();
  out.no_cache = no_cache_;
  out.must_revalidate = must_revalidate_;
  out.source = reason_of(source_);
  if (rare_) {
    out.no_cache_fields = rare_->no_cache_fields;
    out.private_fields = rare_->private_fields;
  }
  return out;
}

std::shared_ptr<const std::string> Entry::share_body() const {
  if (rare_ && rare_->body) return rare_->body;
  return std::make_shared<const std::string>(body());
}

std::string_view Entry::packed_vary() const noexcept { return {text() + vary_at_, fields_at_ - vary_at_}; }

std::vector<VaryField> Entry::vary() const {
  std::vector<VaryField> out;
  const char* from = text() + vary_at_;
  while (from != text() + fields_at_) {
    const auto [name, value] = unpack_pair(from);
    out.push_back({std::string(name), std::string(value)});
  }
  return out;
}

template <class Take>
void Entry::each_field(Take take) const {
  const char* from = text() + fields_at_;
  while (from != text() + fields_end_) {
    const auto id = static_cast<FieldId>(*from++);
    const auto [name, value] = unpack_pair(from);
    take(id, name, value);
  }
}

void Entry::copy_fields(http::Headers& out) const {
  each_field([&out](FieldId id, std::string_view name, std::string_view value) { out.add(id, name, value); });
}

http::Headers Entry::fields() const {
  http::Headers out;
  copy_fields(out);
  return out;
}

std::string_view Entry::value(std::string_view name) const {
  std::string_view out;
  bool found = false;
  each_field([&](FieldId, std::string_view one, std::string_view value) {
    if (found || one.size() != name.size() || !iequals(one, name)) return;
    out = value;
    found = true;
  });
  return out;
}

const std::vector<std::string>& Entry::no_cache_fields() const noexcept {
  static const std::vector<std::string> kNone;
  return rare_ ? rare_->no_cache_fields : kNone;
}

Validators Entry::validators() const {
  Validators out;
  each_field([&out](FieldId id, std::string_view, std::string_view value) {
    if (id == FieldId::kETag && out.etag.empty()) out.etag = value;
    if (id == FieldId::kLastModified && out.last_modified.empty()) out.last_modified = value;
  });
  return out;
}

std::string Entry::language() const {
  const std::string_view language = value("Content-Language");
  return language.find(',') == std::string_view::npos ? lower(language) : std::string();
}

std::size_t Entry::bytes() const noexcept {
  const CodedForms* there = forms();
  return bytes_ + (there ? there->bytes() : 0);
}

CodedForms& Entry::want_forms() const {
  if (CodedForms* there = forms()) return *there;
  auto made = std::make_unique<CodedForms>();
  CodedForms* first = nullptr;
  if (forms_.compare_exchange_strong(first, made.get(), std::memory_order_acq_rel)) return *made.release();
  return *first;
}

std::ptrdiff_t Entry::put_form(http::Coding coding, CodedForm form) const {
  return want_forms().put(coding, std::move(form));
}

bool Entry::matches(const http::Headers& request) const {
  const char* from = text() + vary_at_;
  while (from != text() + fields_at_) {
    const auto [name, value] = unpack_pair(from);
    const std::string asked = normalised(request, name);
    if (asked == value) continue;
    // Whoever likes this language best is served it by any origin that has it.
    if (name != "accept-language") return false;
    const std::string own = language();
    if (own.empty() || best_language(asked) != own) return false;
  }
  return true;
}

bool is_chosen(const std::vector<VaryField>& vary, std::string_view language, const http::Headers& request) {
  return std::ranges::all_of(vary, [&](const VaryField& field) {
    const std::string asked = normalised(request, field.name);
    if (asked == field.value) return true;
    return !language.empty() && field.name == "accept-language" && best_language(asked) == language;
  });
}

std::uint64_t label_hash(std::string_view text, bool is_group) noexcept {
  const std::uint64_t hash = std::hash<std::string_view>()(text);
  return is_group ? hash * 0x9E3779B97F4A7C15ULL : hash;
}

bool join(Piece& piece, std::string& body, std::string_view etag, const Entry& other) {
  const Piece* old = other.piece();
  if (!old || !old->place || !piece.place || !is_strong(etag) || other.validators().etag != etag) return false;
  ContentRange& here = *piece.place;
  const ContentRange& there = *old->place;
  if (here.total != there.total || there.first > here.last + 1 || here.first > there.last + 1) return false;
  // What has just come stays as it is; what is stored fills in around it.
  const std::string_view stored = other.body();
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
