#include "http/headers.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/recycled.h"
#include "base/text.h"

namespace rpx::http {
namespace {

using enum FieldId;

struct Known {
  std::string_view name;
  FieldId id;
};

constexpr std::array kKnown{
    Known{"te", kTe},
    Known{"via", kVia},
    Known{"host", kHost},
    Known{"date", kDate},
    Known{"etag", kETag},
    Known{"accept", kAccept},
    Known{"cookie", kCookie},
    Known{"expect", kExpect},
    Known{"server", kServer},
    Known{"referer", kReferer},
    Known{"trailer", kTrailer},
    Known{"upgrade", kUpgrade},
    Known{"location", kLocation},
    Known{"forwarded", kForwarded},
    Known{"x-real-ip", kXRealIp},
    Known{"connection", kConnection},
    Known{"user-agent", kUserAgent},
    Known{"set-cookie", kSetCookie},
    Known{"keep-alive", kKeepAlive},
    Known{"retry-after", kRetryAfter},
    Known{"content-type", kContentType},
    Known{"x-request-id", kXRequestId},
    Known{"max-forwards", kMaxForwards},
    Known{"x-powered-by", kXPoweredBy},
    Known{"cache-control", kCacheControl},
    Known{"accept-ranges", kAcceptRanges},
    Known{"last-modified", kLastModified},
    Known{"authorization", kAuthorization},
    Known{"content-length", kContentLength},
    Known{"http2-settings", kHttp2Settings},
    Known{"accept-encoding", kAcceptEncoding},
    Known{"x-forwarded-for", kXForwardedFor},
    Known{"content-encoding", kContentEncoding},
    Known{"content-location", kContentLocation},
    Known{"x-forwarded-host", kXForwardedHost},
    Known{"proxy-connection", kProxyConnection},
    Known{"transfer-encoding", kTransferEncoding},
    Known{"x-forwarded-proto", kXForwardedProto},
    Known{"proxy-authenticate", kProxyAuthenticate},
    Known{"proxy-authorization", kProxyAuthorization},
};
constexpr std::size_t kShortest = 2;
constexpr std::size_t kLongest = 19;

/// By id.
constexpr std::array<std::string_view, kKnown.size() + 1> make_names() noexcept {
  std::array<std::string_view, kKnown.size() + 1> out{};
  for (const Known& known : kKnown) out[static_cast<std::size_t>(known.id)] = known.name;
  return out;
}
constexpr auto kNames = make_names();

using Words = std::array<std::uint64_t, 3>;

constexpr std::uint64_t load(const char* at, std::size_t size) noexcept {
  if (!std::is_constant_evaluated()) {
    std::uint32_t half;
    std::uint64_t word;
    if (size == 8) return std::memcpy(&word, at, 8), word;
    if (size == 4) return std::memcpy(&half, at, 4), half;
  }
  std::array<char, 8> bytes{};
  for (std::size_t i = 0; i < size; ++i) bytes[i] = at[i];
  return std::bit_cast<std::uint64_t>(bytes);
}

/// A name of 2–24 bytes as words that overlap, so that no byte need be read one by one.
constexpr Words words_of(const char* name, std::size_t size) noexcept {
  if (size >= 8) return {load(name, 8), load(name + size - 8, 8), size > 16 ? load(name + 8, 8) : 0};
  if (size >= 4) return {load(name, 4), load(name + size - 4, 4), 0};
  return {load(name, 1), load(name + 1, 1), load(name + size - 1, 1)};
}

/// A name, and the bits in which its letters may differ from it by their case.
struct Pattern {
  Words words{};
  Words letters{};
};

constexpr std::array<Pattern, kKnown.size()> make_patterns() noexcept {
  std::array<Pattern, kKnown.size()> out{};
  for (std::size_t i = 0; i < kKnown.size(); ++i) {
    const std::string_view name = kKnown[i].name;
    std::array<char, 24> letters{};
    for (std::size_t j = 0; j < name.size(); ++j) letters[j] = name[j] >= 'a' && name[j] <= 'z' ? 0x20 : 0;
    out[i] = {words_of(name.data(), name.size()), words_of(letters.data(), name.size())};
  }
  return out;
}
constexpr auto kPatterns = make_patterns();

/// A name's size, first and last letter tell it from all others that are known. Cases count the same.
constexpr std::size_t kSlots = 256;
constexpr std::size_t slot_of(std::string_view name, std::uint32_t factor) noexcept {
  const auto letter = [](char c) { return static_cast<std::uint32_t>(static_cast<unsigned char>(c)) | 0x20U; };
  const std::uint32_t mixed =
      static_cast<std::uint32_t>(name.size()) << 16 | letter(name.front()) << 8 | letter(name.back());
  return mixed * factor >> 24;
}

struct Slots {
  std::array<std::uint8_t, kSlots> rows{};  ///< 1 + a row of kKnown; 0 for none
  std::uint32_t factor = 0;
};

/// Looks for a factor that gives each name a slot of its own.
consteval Slots make_slots() {
  for (std::uint32_t factor = 0x9e3779b1U;; factor += 2) {
    Slots out;
    out.factor = factor;
    bool all = true;
    for (std::size_t row = 0; all && row < kKnown.size(); ++row) {
      std::uint8_t& slot = out.rows[slot_of(kKnown[row].name, factor)];
      all = slot == 0;
      slot = static_cast<std::uint8_t>(row + 1);
    }
    if (all) return out;
  }
}
constexpr Slots kRows = make_slots();

static_assert(kKnown.size() == static_cast<std::size_t>(kHttp2Settings), "every id but kOther has its name");
static_assert(std::ranges::all_of(kKnown, [](const Known& known) {
  return known.name.size() >= kShortest && known.name.size() <= kLongest;
}));
static_assert(kShortest >= 2 && kLongest <= 24, "words_of takes no other names");

// Enough for a hundred fields, the usual limit.
using SpareFields = Recycled<std::vector<Field>, 4096>;
constexpr std::size_t kUsual = 16;

template <class Match>
std::size_t remove_if(std::vector<Field>& fields, Match match) noexcept {
  const auto kept = std::remove_if(fields.begin(), fields.end(), match);
  const auto removed = static_cast<std::size_t>(fields.end() - kept);
  fields.erase(kept, fields.end());
  return removed;
}

/// Whether a field is the one called so: by id where the name has one.
struct Called {
  explicit Called(std::string_view name) noexcept : name(name), id(field_id(name)) {}
  bool operator()(const Field& field) const noexcept {
    return field.id == id && (id != kOther || iequals(field.name, name));
  }
  std::string_view name;
  FieldId id;
};

}  // namespace

FieldId field_id(std::string_view name) noexcept {
  if (name.size() < kShortest || name.size() > kLongest) return kOther;
  const std::size_t row = kRows.rows[slot_of(name, kRows.factor)];
  if (row == 0) return kOther;
  const Known& known = kKnown[row - 1];
  if (known.name.size() != name.size()) return kOther;
  const Words words = words_of(name.data(), name.size());
  const Pattern& pattern = kPatterns[row - 1];
  const bool same = (words[0] | pattern.letters[0]) == pattern.words[0] &&
                    (words[1] | pattern.letters[1]) == pattern.words[1] &&
                    (words[2] | pattern.letters[2]) == pattern.words[2];
  return same ? known.id : kOther;
}

std::string_view lower_name(FieldId id) noexcept { return kNames[static_cast<std::size_t>(id)]; }

void Headers::borrow() {
  SpareFields::lend(fields_);
  if (fields_.capacity() == 0) fields_.reserve(kUsual);
}

void Headers::release() noexcept { SpareFields::give(fields_); }

const Field* Headers::find(FieldId id) const noexcept {
  const auto at = std::find_if(fields_.begin(), fields_.end(), [id](const Field& field) { return field.id == id; });
  return at == fields_.end() ? nullptr : &*at;
}

const Field* Headers::find(std::string_view name) const noexcept {
  const auto at = std::find_if(fields_.begin(), fields_.end(), Called(name));
  return at == fields_.end() ? nullptr : &*at;
}

std::string_view Headers::value(FieldId id) const noexcept {
  const Field* field = find(id);
  return field == nullptr ? std::string_view{} : field->value;
}

std::string_view Headers::value(std::string_view name) const noexcept {
  const Field* field = find(name);
  return field == nullptr ? std::string_view{} : field->value;
}

std::size_t Headers::remove(FieldId id) noexcept {
  return remove_if(fields_, [id](const Field& field) { return field.id == id; });
}

std::size_t Headers::remove(std::string_view name) noexcept { return remove_if(fields_, Called(name)); }

void Headers::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

bool list_contains(std::string_view value, std::string_view token) noexcept {
  for (;;) {
    const std::size_t comma = value.find(',');
    if (iequals(trim(value.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    value.remove_prefix(comma + 1);
  }
}

}  // namespace rpx::http
