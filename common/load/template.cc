#include "load/template.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/result.h"
#include "base/text.h"

namespace rpx::load {
namespace {

Error bad_place(std::string_view text, std::string_view why) {
  return {ErrorKind::kUsage, Side::kSelf, fmt::format("{{{{{}}}}}: {}", text, why)};
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (const std::string_view word : split(text, ' '))
    if (!word.empty()) out.push_back(word);
  return out;
}

void append_hex(std::string& out, std::uint64_t count, Random& random) {
  for (std::uint64_t left = count; left > 0;) {
    std::uint64_t bits = random.next();
    for (int i = 0; i < 16 && left > 0; ++i, --left, bits >>= 4) out += "0123456789abcdef"[bits & 15];
  }
}

// RFC 9562 section 5.4.
void append_uuid(std::string& out, Random& random) {
  const std::uint64_t high = (random.next() & 0xffffffffffff0fffU) | 0x4000;
  const std::uint64_t low = (random.next() & 0x3fffffffffffffffU) | 0x8000000000000000U;
  fmt::format_to(std::back_inserter(out), "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff,
                 high & 0xffff, low >> 48, low & 0xffffffffffffU);
}

}  // namespace

Result<Template::Place> Template::parse_place(std::string_view text, const Feed* feed) {
  const std::vector<std::string_view> words = words_of(text);
  if (words.empty()) return std::unexpected(bad_place(text, "empty"));
  const std::string_view name = words[0];
  Place out;
  if (name == "seq" || name == "uuid" || name == "time") {
    if (words.size() > 1) return std::unexpected(bad_place(text, fmt::format("{} takes nothing", name)));
    out.kind = name == "seq" ? Kind::kSeq : name == "uuid" ? Kind::kUuid : Kind::kTime;
  } else if (name == "rand") {
    const auto low = words.size() == 3 ? parse_uint(words[1]) : std::nullopt;
    const auto high = words.size() == 3 ? parse_uint(words[2]) : std::nullopt;
    if (!low || !high || *low > *high) return std::unexpected(bad_place(text, "write {{rand 1 100}}"));
    out = {Kind::kRand, *low, *high, {}, {}};
  } else if (name == "hex") {
    const auto count = words.size() == 2 ? parse_uint(words[1]) : std::nullopt;
    if (!count || *count == 0 || *count > 1024 * 1024) return std::unexpected(bad_place(text, "write {{hex 16}}"));
    out = {Kind::kHex, *count, 0, {}, {}};
  } else if (name == "choice") {
    if (words.size() < 2) return std::unexpected(bad_place(text, "write {{choice a b c}}"));
    out.kind = Kind::kChoice;
    out.choices.assign(words.begin() + 1, words.end());
  } else if (name.starts_with("feed.") && words.size() == 1) {
    if (feed == nullptr) return std::unexpected(bad_place(text, "there is no feed; pass --feed FILE"));
    const std::size_t column = feed->find(name.substr(5));
    if (column == Feed::npos)
      return std::unexpected(
          bad_place(text, fmt::format("the feed has no such column; it has {}", fmt::join(feed->columns(), ", "))));
    out.kind = Kind::kFeed;
    out.low = column;
  } else {
    return std::unexpected(
        bad_place(text, "not known; there are seq, uuid, time, rand LOW HIGH, hex N, choice A B… and feed.COLUMN"));
  }
  return out;
}

Result<Template> Template::parse(std::string_view text, const Feed* feed) {
  Template out;
  std::string* literal = &out.before_;
  while (!text.empty()) {
    const std::size_t open = text.find("{{");
    literal->append(text.substr(0, open));
    if (open == std::string_view::npos) break;
    const std::size_t close = text.find("}}", open);
    if (close == std::string_view::npos) return std::unexpected(bad_place(text.substr(open + 2, 20), "not closed"));
    RPX_TRY(Place place, parse_place(text.substr(open + 2, close - open - 2), feed));
    out.places_.push_back(std::move(place));
    literal = &out.places_.back().after;
    text.remove_prefix(close + 2);
  }
  return out;
}

bool Template::uses_feed() const noexcept { return std::ranges::count(places_, Kind::kFeed, &Place::kind) != 0; }

void Template::render(std::string& out, const Fill& fill) const {
  out += before_;
  for (const Place& place : places_) {
    switch (place.kind) {
      case Kind::kSeq: fmt::format_to(std::back_inserter(out), "{}", fill.seq); break;
      case Kind::kUuid: append_uuid(out, *fill.random); break;
      case Kind::kRand:
        fmt::format_to(std::back_inserter(out), "{}", place.low + fill.random->below(place.high - place.low + 1));
        break;
      case Kind::kChoice: out += place.choices[fill.random->below(place.choices.size())]; break;
      case Kind::kTime:
        fmt::format_to(
            std::back_inserter(out), "{}",
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
                .count());
        break;
      case Kind::kHex: append_hex(out, place.low, *fill.random); break;
      case Kind::kFeed: out += (*fill.row)[place.low]; break;
    }
    out += place.after;
  }
}

}  // namespace rpx::load
