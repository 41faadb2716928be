// Assertions: conditions on the figures of a run, such as "p99<20ms", "errors<0.1%", "rps>5000". Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace rpx::load {

struct Summary;

class Assertion {
 public:
  /// NAME OP VALUE; OP is one of < <= > >= =. Names: rps, requests, errors (a count, or a share with %), pN and
  /// raw.pN, mean, min, max, bytes (a second), connect.pN. Errors: kUsage.
  static Result<Assertion> parse(std::string_view text);

  struct Outcome {
    bool holds = false;
    std::string text;  ///< "p99<20ms: 35.2ms"
  };
  /// With no reply at all no assertion holds but those on requests and errors that are true.
  Outcome check(const Summary& run) const;
  const std::string& text() const noexcept { return text_; }
  /// A limit on a time from above: what a search for the highest rate may hold.
  bool is_latency_limit() const noexcept;

 private:
  enum class Unit : unsigned char { kNumber, kShare, kTime };
  bool compare(double found) const noexcept;
  std::string text_;
  std::string name_;
  std::string operator_;
  double value_ = 0;  // ns for times, a fraction for shares
  Unit unit_ = Unit::kNumber;
};

}  // namespace rpx::load
