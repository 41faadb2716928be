// A stored reply: immutable once made, shared by all who send it, but for what is counted and for the mark of a soft
// purge. Made by fills, held by the Store; any thread.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "cache/coded_forms.h"
#include "cache/conditions.h"
#include "cache/freshness.h"

namespace rpx::cache {

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
  std::shared_ptr<const std::string> body;
  std::vector<VaryField> vary;
  std::size_t assumed_bytes = 0;       ///< counted as memory although not there: for stores that only simulate
  std::unique_ptr<const Piece> piece;  ///< null: the body is the whole object
};

class Entry {
 public:
  /// `reply` holds end-to-end fields; framing, Age and what the terms keep for one client are left out.
  Entry(NewEntry made, const http::Headers& reply, std::string_view tag_field);
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  ~Entry();

  const std::string& key() const noexcept { return made_.key; }
  const std::string& url() const noexcept { return made_.url; }
  const std::string& host() const noexcept { return made_.host; }
  std::uint16_t status() const noexcept { return made_.status; }
  const Times& times() const noexcept { return made_.times; }
  const Terms& terms() const noexcept { return made_.terms; }
  const std::shared_ptr<const std::string>& body() const noexcept { return made_.body; }
  const std::vector<VaryField>& vary() const noexcept { return made_.vary; }
  /// Null where the body is the whole object.
  const Piece* piece() const noexcept { return made_.piece.get(); }
  /// Views that live as long as the entry.
  const http::Headers& fields() const noexcept { return fields_; }
  const Validators& validators() const noexcept { return validators_; }
  const std::vector<std::string>& tags() const noexcept { return tags_; }
  /// RFC 9875 section 2: names of groups, which belong to the object's scheme and host.
  const std::vector<std::string>& groups() const noexcept { return groups_; }
  /// Bytes of memory it takes, the body and its place in the store included; more when forms are put beside it, which
  /// the Store does under its lock.
  std::size_t bytes() const noexcept { return bytes_ + coded_bytes_.load(std::memory_order_relaxed); }
  Duration age(WallTime now) const noexcept { return age_at(made_.terms, made_.times.answered, now); }
  /// A request with these fields chooses this reply.
  bool matches(const http::Headers& request) const;

  /// The coded forms of the body; null while nobody has asked for any.
  CodedForms* forms() const noexcept { return forms_.load(std::memory_order_acquire); }
  /// As forms(), made when first wanted.
  CodedForms& want_forms() const;
  /// The Store alone: keeps a form, and says by how many bytes this has grown.
  std::ptrdiff_t put_form(http::Coding coding, CodedForm form) const;
  /// Takes over the forms of an entry with the same body. Before this one is shared.
  void take_forms_of(const Entry& other);

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
  NewEntry made_;
  std::string text_;  // what fields_ and validators_ point into
  http::Headers fields_;
  Validators validators_;
  std::string language_;  // the one of Content-Language, lower case; empty when there are several, or none
  std::vector<std::string> tags_;
  std::vector<std::string> groups_;
  std::size_t bytes_ = 0;
  mutable std::atomic<CodedForms*> forms_{nullptr};
  mutable std::atomic<std::size_t> coded_bytes_{0};
  mutable std::atomic<std::uint64_t> hits_{0};
  mutable std::atomic<std::uint8_t> wanted_{0};
  mutable std::atomic<bool> outdated_{false};
};

using EntryPtr = std::shared_ptr<const Entry>;

/// `piece` joined with `other`, a stored piece of the same object (RFC 9111 section 3.4): they have the same strong
/// tag, and touch. False when they do not, and nothing has been changed. `body` is that of `piece`.
bool join(Piece& piece, std::string& body, std::string_view etag, const Entry& other);

/// What `request` has in the fields that `reply` varies by (RFC 9111 section 4.1).
std::vector<VaryField> vary_of(const http::Headers& reply, const http::Headers& request);

/// The fields of a stored reply once a 304 (or the reply to a HEAD) has updated them (RFC 9111 section 3.2). Views into
/// both.
http::Headers merged(const http::Headers& stored, const http::Headers& update);

}  // namespace rpx::cache
