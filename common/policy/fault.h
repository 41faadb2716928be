// Faults on purpose, so that clients can be tested against them: [fault.NAME]. Which requests are hit is drawn from a
// seed: the same seed gives the same faults, request by request. May be changed while the proxy runs. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/units.h"

namespace rpx::policy {

struct FaultDelay {
  Duration time{};
  Duration jitter{};            ///< up to so much more or less
  std::uint32_t percent = 100;  ///< of the requests
  bool operator==(const FaultDelay&) const = default;
};
struct FaultAbort {
  std::uint16_t status = 503;  ///< 400–599: an error, which a client is to be tested with
  std::uint32_t percent = 100;
  bool operator==(const FaultAbort&) const = default;
};
struct FaultReset {
  std::uint32_t percent = 100;
  bool operator==(const FaultReset&) const = default;
};
struct FaultTruncate {
  Size after = 0;  ///< bytes of the reply's body
  std::uint32_t percent = 100;
  bool operator==(const FaultTruncate&) const = default;
};

struct FaultOptions {
  std::string name;
  std::optional<FaultDelay> delay;        ///< before the request goes on
  std::optional<FaultAbort> abort;        ///< answered instead of the request going on
  std::optional<FaultReset> reset;        ///< the connection is cut instead
  std::optional<FaultTruncate> truncate;  ///< the connection is cut within the reply
  Size bandwidth = 0;                     ///< bytes a second of the reply's body; 0 = as fast as it goes
  std::uint32_t seed = 1;
  bool operator==(const FaultOptions&) const = default;
};

class Fault {
 public:
  explicit Fault(FaultOptions options) : configured_(options), now_(std::move(options)) {}

  /// What happens to one request.
  struct Draw {
    Duration delay{};
    std::uint16_t status = 0;  ///< 0 = it goes on
    bool reset = false;
    Size bandwidth = 0;
    std::optional<Size> truncate_after;
  };
  /// Counts one request.
  Draw draw() noexcept;

  /// As the configuration has it.
  const FaultOptions& configured() const noexcept { return configured_; }
  FaultOptions now() const;
  /// Whether it does anything.
  bool active() const;
  /// From now on like this, from the first request of the seed; the name stays. Until the configuration changes it.
  void change(FaultOptions options);
  std::uint64_t requests() const;
  std::uint64_t hits() const;

 private:
  const FaultOptions configured_;
  mutable std::mutex mutex_;  // guards what follows
  FaultOptions now_;
  std::uint64_t drawn_ = 0;     ///< since the seed was taken up
  std::uint64_t requests_ = 0;  ///< in all
  std::uint64_t hits_ = 0;      ///< those to which anything happened
};

}  // namespace rpx::policy
