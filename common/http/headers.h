// Field lines of a message, in the order they were received. Names and values are views: into the
// buffer the head was parsed from, or into the exchange's Arena. One thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace rpx::http {

/// Fields the proxy itself acts on, so that looking for one compares a byte. kOther is everything else.
enum class FieldId : std::uint8_t {
  kOther,
  kHost,
  kConnection,
  kContentLength,
  kTransferEncoding,
  kTe,
  kTrailer,
  kUpgrade,
  kKeepAlive,
  kProxyConnection,
  kProxyAuthenticate,
  kProxyAuthorization,
  kExpect,
  kForwarded,
  kXForwardedFor,
  kXForwardedProto,
  kXForwardedHost,
  kXRealIp,
  kXRequestId,
  kMaxForwards,
  kVia,
  kServer,
  kXPoweredBy,
  kDate,
  kLocation,
  kContentLocation,
  kSetCookie,
  kContentType,
  kContentEncoding,
  kAcceptEncoding,
  kAuthorization,
  kCookie,
  kCacheControl,
  kUserAgent,
  kReferer,
  kAccept,
  kRetryAfter,
  kLastModified,
  kETag,
  kAcceptRanges,
  kHttp2Settings,
};

/// The id of a field name, in any case. Names match as RFC 9110 section 5.1 asks.
FieldId field_id(std::string_view name) noexcept;

/// The name that `id` stands for, in lower case; empty for kOther.
std::string_view lower_name(FieldId id) noexcept;

struct Field {
  std::string_view name;   ///< as received, a token (RFC 9110 section 5.6.2)
  std::string_view value;  ///< without surrounding whitespace; no CR, LF or NUL
  FieldId id = FieldId::kOther;
};

class Headers {
 public:
  void add(std::string_view name, std::string_view value) { add(field_id(name), name, value); }
  void add(FieldId id, std::string_view name, std::string_view value) {
    if (fields_.capacity() == 0) [[unlikely]]
      borrow();
    // Built in place: one that is copied, or made empty first, costs more than the rest of the loop that parses it.
    fields_.emplace_back(name, value, id);
  }
  /// The first field called so, or null.
  const Field* find(FieldId id) const noexcept;
  const Field* find(std::string_view name) const noexcept;
  /// The first value, or empty.
  std::string_view value(FieldId id) const noexcept;
  std::string_view value(std::string_view name) const noexcept;
  bool has(FieldId id) const noexcept { return find(id) != nullptr; }
  /// Takes out every field called so; says how many.
  std::size_t remove(FieldId id) noexcept;
  std::size_t remove(std::string_view name) noexcept;
  /// Takes out every field called so, then adds this one.
  void set(std::string_view name, std::string_view value);

  std::span<const Field> fields() const noexcept { return fields_; }
  std::vector<Field>& raw() noexcept { return fields_; }
  bool empty() const noexcept { return fields_.empty(); }
  std::size_t size() const noexcept { return fields_.size(); }
  void clear() noexcept { fields_.clear(); }
  /// As clear(), and lends the memory to whoever of this thread is filled next.
  void release() noexcept;
  auto begin() const noexcept { return fields_.begin(); }
  auto end() const noexcept { return fields_.end(); }

 private:
  void borrow();
  std::vector<Field> fields_;
};

/// Whether the comma-separated list `value` holds `token`, in any case (RFC 9110 section 5.6.1).
bool list_contains(std::string_view value, std::string_view token) noexcept;

}  // namespace rpx::http
