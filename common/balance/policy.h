// Which server takes the next request: a pure choice over what is known of each. A policy keeps state of its
// own per worker and does no I/O. One thread each.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace rpx::balance {

/// A server as a policy sees it.
struct Endpoint {
  std::uint32_t weight = 1;  ///< at least 1
  bool usable = true;        ///< may be chosen now
  std::uint32_t active = 0;  ///< exchanges in progress on this worker
};

class Policy {
 public:
  virtual ~Policy() = default;
  /// Index of the endpoint to use, or none when no endpoint is usable. Endpoints keep their place between calls
  /// unless reset() is called.
  virtual std::optional<std::size_t> pick(std::span<const Endpoint> endpoints) = 0;
  /// The set of endpoints has changed. `seed` differs by worker, so that workers do not move in step.
  virtual void reset(std::size_t count, std::uint64_t seed) = 0;
};

/// One row of the table of policies.
struct PolicyRow {
  std::string_view name;
  std::string_view help;
  std::unique_ptr<Policy> (*make)();
};

std::span<const PolicyRow> policies() noexcept;
/// The policy called `name`, or null.
std::unique_ptr<Policy> make_policy(std::string_view name);

}  // namespace rpx::balance
