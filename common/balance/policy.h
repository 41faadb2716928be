// Which server takes the next request: a pure choice over what is known of each. A policy keeps state of its
// own per worker and does no I/O. One thread each.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace rpx::balance {

/// A server as a policy sees it. What every worker does with it counts, so that many workers do not all fall upon
/// one server that each holds to be idle.
struct Endpoint {
  std::uint32_t weight = 1;  ///< at least 1
  bool usable = true;        ///< may be chosen now
  std::uint32_t active = 0;  ///< exchanges in progress, of all workers
  float latency = 0;         ///< how long replies take, seconds, a moving average; 0 = not known
  float age = 0;             ///< seconds since that was last learned
  std::uint64_t id = 0;      ///< stays the same whatever its place: hash_of its name
};

/// What a policy wants to know, so that nobody gathers it in vain.
enum class Wants : std::uint8_t {
  kNothing,   ///< weight and usable
  kLoad,      ///< active as well
  kLatency,   ///< active, latency and age as well
  kAddress,   ///< a key made of the client's address
  kTemplate,  ///< active, and a key made of the upstream's `hash`
};

class Policy {
 public:
  virtual ~Policy() = default;
  /// Index of the endpoint to use, or none when no endpoint is usable. Endpoints keep their place between calls
  /// unless reset() is called. Equal `key`s go to the same endpoint where the policy hashes; 0 = no key.
  virtual std::optional<std::size_t> pick(std::span<const Endpoint> endpoints, std::uint64_t key = 0) = 0;
  /// The set of endpoints has changed. `seed` differs by worker, so that workers do not move in step.
  virtual void reset(std::size_t count, std::uint64_t seed) = 0;
};

/// One row of the table of policies.
struct PolicyRow {
  std::string_view name;
  std::string_view help;
  Wants wants;
  std::unique_ptr<Policy> (*make)();
};

std::span<const PolicyRow> policies() noexcept;
/// What the policy called `name` wants to know.
Wants wants_of(std::string_view name) noexcept;
/// The policy called `name`, or null.
std::unique_ptr<Policy> make_policy(std::string_view name);

}  // namespace rpx::balance
