// A stored reply: immutable once made, shared by all who send it, but for what is counted and for the mark of a soft
// purge. One block of memory holds an entry, its key, its head and a short body; what few entries have is beside it.
// Made by fills, held by the Store; any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cache/coded_forms.h"
#include "cache/conditions.h"
#include "cache/freshness.h"
#include "cache/span32.h"

namespace rpx::cache {

class Entry;
struct DiskBody;

/// One field that a reply was chosen by, and what the request had there (RFC 9111 section 4.1).
struct VaryField {
  std::string name;   ///< lower case
  std::string value;  ///< normalised
  auto operator<=>(const VaryField&) const = default;
};

/// What a 206 brought of an object: the entry's body is those bytes.
struct Piece {
  std::string asked;                  ///< the Range it was the answer to
  std::string told;                   ///< its Content-Range; empty for multipart/byteranges
  std::optional<ContentRange> place;  ///< none: it is of use for the same Range alone
};

/// What an entry is made from.
struct NewEntry {
  std::string key;
  std::string url;
  std::string host;
  std::uint16_t status = 200;
  Times times;
  Terms terms;
  std::shared_ptr<const std::string> body;  ///< null: empty
  std::vector<VaryField> vary;
  std::size_t assumed_bytes = 0;            ///< counted as memory although not there: for stores that only simulate
  std::unique_ptr<const Piece> piece;       ///< null: the body is the whole object
  std::shared_ptr<const DiskBody> on_disk;  ///< in place of `body`: it is on the disk alone; null mostly
  const Entry* forms_of = nullptr;  ///< an entry with the same body, whose coded forms are taken over; may be null
};

/// A share in an entry; null, or one.
class EntryPtr {
 public:
  EntryPtr() noexcept = default;
  EntryPtr(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor): as any pointer
  /// Another share in `entry`, which somebody holds.
  explicit EntryPtr(const Entry* entry) noexcept;
  EntryPtr(const EntryPtr& other) noexcept : EntryPtr(other.entry_) {}
  EntryPtr(EntryPtr&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
  EntryPtr& operator=(EntryPtr other) noexcept {
    std::swap(entry_, other.entry_);
    return *this;
  }
  ~EntryPtr() { reset(); }

  const Entry* get() const noexcept { return entry_; }
  const Entry& operator*() const noexcept { return *entry_; }
  const Entry* operator->() const noexcept { return entry_; }
  explicit operator bool() const noexcept { return entry_ != nullptr; }
  bool operator==(const EntryPtr&) const noexcept = default;
  void reset() noexcept;
  /// Takes over a share that somebody holds.
  static EntryPtr adopt(const Entry* entry) noexcept {
    EntryPtr out;
    out.entry_ = entry;
    return out;
  }
  /// Gives up the share without ending it: for adopt().
  const Entry* release() noexcept { return std::exchange(entry_, nullptr); }

 private:
  const Entry* entry_ = nullptr;
};

/// A name that an entry can be purged by: a tag, or a group (RFC 9875). Linked by the Store with others of the same
/// hash.
struct Label {
  Label* newer = nullptr;
  Label* older = nullptr;
  const Entry* owner = nullptr;
  std::uint64_t hash = 0;  ///< of kind and text
  std::uint32_t at = 0;    ///< of the text, in the entry's block
  std::uint32_t size : 31 = 0;
  std::uint32_t is_group : 1 = 0;
};

class Entry {
 public:
  /// Bodies up to this size stand in the entry's own block.
  static constexpr std::size_t kShortBody = 4096;

  /// `reply` holds end-to-end fields; framing, Age and what the terms keep for one client are left out. The words of
  /// the fields called `tag_field` are its tags.
  static EntryPtr make(NewEntry made, const http::Headers& reply, std::string_view tag_field);
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  std::string_view key() const noexcept { return {text() + key_at_, key_size_}; }
  std::string_view url() const noexcept { return {text(), url_size_}; }
  std::string_view host() const noexcept { return {text() + host_at_, host_size_}; }
  std::uint16_t status() const noexcept { return status_; }
  /// As they were, to the microsecond for up to an hour in between.
  Times times() const noexcept { return {answered_ - std::chrono::microseconds(asked_before_), answered_}; }
  Terms terms() const;
  Duration lifetime() const noexcept { return lifetime_.value(); }
  /// Empty where the body is on the disk alone.
  std::string_view body() const noexcept { return {body_, body_size_}; }
  /// Null where the body is at hand.
  const std::shared_ptr<const DiskBody>& on_disk() const noexcept;
  std::uint64_t body_bytes() const noexcept;
  /// The body for another entry; without a copy where it is not short.
  std::shared_ptr<const std::string> share_body() const;
  std::vector<VaryField> vary() const;
  bool varies_like(const Entry& other) const noexcept { return packed_vary() == other.packed_vary(); }
  /// Null where the body is the whole object.
  const Piece* piece() const noexcept { return rare_ ? rare_->piece.get() : nullptr; }
  /// Adds the fields to `out`; views that live as long as the entry.
  void copy_fields(http::Headers& out) const;
  http::Headers fields() const;
  /// The first field called so, or empty.
  std::string_view value(std::string_view name) const;
  /// Fields that may not be used without validation (RFC 9111 section 5.2.2.4).
  const std::vector<std::string>& no_cache_fields() const noexcept;
  /// Views that live as long as the entry.
  Validators validators() const;
  std::vector<std::string> tags() const { return labels(false); }
  /// RFC 9875 section 2: names of groups, which belong to the object's scheme and host.
  std::vector<std::string> groups() const { return labels(true); }
  bool has_label(std::string_view text, bool is_group) const noexcept;
  /// The one of Content-Language, lower case; empty when there are several, or none.
  std::string language() const;
  /// Bytes of memory it takes, the body and its place in the store included; more when forms are put beside it, which
  /// the Store does under its lock.
  std::size_t bytes() const noexcept;
  Duration age(WallTime now) const noexcept {
    return std::max<Duration>(Duration::zero(), initial_age_.value() + (now - answered_));
  }
  /// A request with these fields chooses this reply.
  bool matches(const http::Headers& request) const;

  /// The coded forms of the body; null while nobody has asked for any.
  CodedForms* forms() const noexcept { return forms_.load(std::memory_order_acquire); }
  /// As forms(), made when first wanted.
  CodedForms& want_forms() const;
  /// The Store alone: keeps a form, and says by how many bytes this has grown.
  std::ptrdiff_t put_form(http::Coding coding, CodedForm form) const;

  /// Counted by whoever sends it.
  void count_hit() const noexcept {
    hits_.fetch_add(1, std::memory_order_relaxed);
    if (const auto seen = wanted_.load(std::memory_order_relaxed); seen < 3)
      wanted_.store(static_cast<std::uint8_t>(seen + 1), std::memory_order_relaxed);
  }
  std::uint64_t hits() const noexcept { return hits_.load(std::memory_order_relaxed); }
  /// How often it was wanted of late, 0–3: what keeps it from being evicted.
  std::uint8_t wanted() const noexcept { return wanted_.load(std::memory_order_relaxed); }
  void set_wanted(std::uint8_t wanted) const noexcept { wanted_.store(wanted, std::memory_order_relaxed); }
  /// A soft purge: stale from now on.
  void mark_outdated() const noexcept { outdated_.store(true, std::memory_order_relaxed); }
  bool outdated() const noexcept { return outdated_.load(std::memory_order_relaxed); }

 private:
  friend class EntryPtr;
  friend class Store;
  // What few entries have, or only those that are large anyway.
  struct Rare {
    std::shared_ptr<const std::string> body;  // one that is not short
    std::shared_ptr<const DiskBody> on_disk;
    std::unique_ptr<const Piece> piece;
    std::vector<std::string> no_cache_fields;
    std::vector<std::string> private_fields;
    std::vector<Label> labels;
  };
  struct Layout;
  // Its place in a Store, under the lock of its shard there; an entry is in one store at most.
  struct Links {
    Entry* chain = nullptr;  // others in the same bucket
    Entry* newer = nullptr;
    Entry* older = nullptr;
    std::uint32_t hash = 0;
    std::uint32_t stamp = 0;  // grows with the time at which it was queued
  };

  Entry(NewEntry& made, const Layout& layout, std::string_view tag_field);
  ~Entry();
  const char* text() const noexcept { return reinterpret_cast<const char*>(this + 1); }
  std::string_view packed_vary() const noexcept;
  std::vector<std::string> labels(bool groups) const;
  template <class Take>
  void each_field(Take take) const;
  Rare& want_rare();
  std::size_t rare_bytes() const noexcept;
  /// The one linked under `hash`, which it has.
  const Label* label_of(std::uint64_t hash) const noexcept {
    return &*std::ranges::find(rare_->labels, hash, &Label::hash);
  }
  void add_labels(std::string_view tag_field, const std::vector<std::string>& groups, std::size_t groups_at);
  static void destroy(const Entry* entry) noexcept;

  mutable std::atomic<std::uint32_t> shares_{1};
  std::uint16_t status_;
  mutable std::atomic<std::uint8_t> wanted_{0};
  mutable std::atomic<bool> outdated_{false};
  mutable std::atomic<std::uint64_t> hits_{0};
  mutable Links links_;
  mutable std::uint8_t queue_ = 0;  // with links_; 0: in no store
  std::uint8_t source_ = 0;         // of the lifetime, in the table of reasons
  bool no_cache_ : 1 = false;
  bool must_revalidate_ : 1 = false;
  WallTime answered_;
  std::uint32_t asked_before_;  // microseconds
  Span32 lifetime_;
  Span32 initial_age_;
  Span32 stale_while_revalidate_;
  Span32 stale_if_error_;
  // The text: URL, key and host where they are not part of it, what it varies by, fields, groups, a short body.
  std::uint32_t url_size_;
  std::uint32_t key_at_;
  std::uint32_t key_size_;
  std::uint32_t host_at_;
  std::uint32_t host_size_;
  std::uint32_t vary_at_;
  std::uint32_t fields_at_;
  std::uint32_t fields_end_;
  const char* body_;
  std::size_t body_size_;
  std::size_t bytes_ = 0;  // without coded forms
  std::unique_ptr<Rare> rare_;
  mutable std::atomic<CodedForms*> forms_{nullptr};
};

inline EntryPtr::EntryPtr(const Entry* entry) noexcept : entry_(entry) {
  if (entry_) entry_->shares_.fetch_add(1, std::memory_order_relaxed);
}

inline void EntryPtr::reset() noexcept {
  const Entry* entry = std::exchange(entry_, nullptr);
  if (entry && entry->shares_.fetch_sub(1, std::memory_order_acq_rel) == 1) Entry::destroy(entry);
}

/// `piece` joined with `other`, a stored piece of the same object (RFC 9111 section 3.4): they have the same strong
/// tag, and touch. False when they do not, and nothing has been changed. `body` is that of `piece`.
bool join(Piece& piece, std::string& body, std::string_view etag, const Entry& other);

/// What `request` has in the fields that `reply` varies by (RFC 9111 section 4.1).
std::vector<VaryField> vary_of(const http::Headers& reply, const http::Headers& request);

/// Whether `request` chooses a reply that varies by these fields and is in this language (lower case; empty = in none,
/// or several).
bool is_chosen(const std::vector<VaryField>& vary, std::string_view language, const http::Headers& request);

/// The fields of a stored reply once a 304 (or the reply to a HEAD) has updated them (RFC 9111 section 3.2). Views into
/// both.
http::Headers merged(const http::Headers& stored, const http::Headers& update);

/// The hash under which a Label of this text is linked.
std::uint64_t label_hash(std::string_view text, bool is_group) noexcept;

}  // namespace rpx::cache
