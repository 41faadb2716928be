// Checks: what replies must be like, as said on the command line, and the verdict on one. Read at the start, then used
// by every connection at full speed; immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "http/headers.h"
#include "load/outcome.h"

namespace rpx::load {

/// What is wrong with a reply; nothing while `failure` is empty.
struct Verdict {
  std::optional<Failure> failure;
  std::string detail;
  void clear() noexcept {
    failure.reset();
    detail.clear();
  }
};

/// One field that replies must have.
struct HeaderCheck {
  std::string name;
  std::string pattern;  ///< shell-style; empty = any value
};

/// SHA-256 of a body that comes in pieces.
class BodyHash {
 public:
  BodyHash();
  ~BodyHash();
  BodyHash(const BodyHash&) = delete;
  BodyHash& operator=(const BodyHash&) = delete;
  void reset();
  void add(std::string_view data);
  /// 64 hexadecimal digits.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Checks {
 public:
  /// Adds one: "status=200,204", "status=2xx", "header:NAME", "header:NAME=PATTERN", "length=N", "length>=N",
  /// "length<=N", "sha256=HEX". Errors: kUsage.
  Status add(std::string_view text);

  bool hashes() const noexcept { return !sha256_.empty(); }
  bool reads_fields() const noexcept { return !headers_.empty(); }
  /// Judge a head, then the body. Only the first thing that is wrong is kept.
  void judge_head(std::uint16_t status, const http::Headers& headers, Verdict& verdict) const;
  void judge_body(std::uint64_t length, BodyHash* hash, Verdict& verdict) const;

 private:
  struct StatusRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
  };
  Status add_status(std::string_view text);
  Status add_length(std::string_view text);
  std::vector<StatusRange> statuses_;  // empty: below 400
  std::vector<HeaderCheck> headers_;
  std::uint64_t shortest_ = 0;
  std::uint64_t longest_ = ~std::uint64_t{0};
  std::string sha256_;
};

}  // namespace rpx::load
