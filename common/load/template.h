// Template: text with places that differ from request to request: {{seq}}, {{uuid}}, {{rand 1 100}}, {{choice a b c}},
// {{time}}, {{hex 16}} and {{feed.COLUMN}}. Parsed once, rendered by every thread into a buffer it keeps. Immutable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "load/feed.h"
#include "load/random.h"

namespace rpx::load {

/// What one request's places are filled from. One thread.
struct Fill {
  std::uint64_t seq = 0;  ///< counts requests over all threads, from 1
  Random* random = nullptr;
  const std::vector<std::string>* row = nullptr;  ///< of the feed; null without one
};

class Template {
 public:
  Template() = default;
  /// `feed` may be null. Errors: kUsage, naming the place that is not known.
  static Result<Template> parse(std::string_view text, const Feed* feed);

  /// The same text every time.
  bool fixed() const noexcept { return places_.empty(); }
  /// Whether a row of the feed is used.
  bool uses_feed() const noexcept;
  /// Appends the text to `out`.
  void render(std::string& out, const Fill& fill) const;

 private:
  enum class Kind : std::uint8_t { kSeq, kUuid, kRand, kChoice, kTime, kHex, kFeed };
  struct Place {
    Kind kind = Kind::kSeq;
    std::uint64_t low = 0;   // of kRand; how many of kHex; which column of kFeed
    std::uint64_t high = 0;  // of kRand
    std::vector<std::string> choices;
    std::string after;  // text that follows
  };
  static Result<Place> parse_place(std::string_view text, const Feed* feed);

  std::string before_;
  std::vector<Place> places_;
};

}  // namespace rpx::load
