// IpSet: whether an address is in a large set of prefixes, in a few nanoseconds: merged sorted intervals under an index
// of the first 16 bits. Built off the event loops, then immutable; any thread.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <vector>

#include "base/ip.h"

namespace rpx::policy {

/// An IPv6 address as a number.
struct Wide {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const Wide&) const = default;
};

/// The addresses of a prefix as numbers; both ends belong to it.
template <class Number>
struct IpRange {
  Number first{};
  Number last{};
};

std::uint32_t number_of_v4(const IpAddress& ip) noexcept;
Wide number_of_v6(const IpAddress& ip) noexcept;
IpRange<std::uint32_t> range_of_v4(std::uint32_t first, std::uint8_t bits) noexcept;
IpRange<Wide> range_of_v6(const Wide& first, std::uint8_t bits) noexcept;
IpAddress address_of(std::uint32_t number) noexcept;
IpAddress address_of(const Wide& number) noexcept;

/// Intervals of one family.
template <class Number>
class IntervalSet {
 public:
  /// Adds a range; in the order of their first addresses.
  void add(const IpRange<Number>& range);
  /// To be called once, after the last add().
  void finish();
  bool contains(const Number& number) const noexcept;
  std::size_t size() const noexcept { return firsts_.size(); }
  IpRange<Number> operator[](std::size_t i) const noexcept { return {firsts_[i], lasts_[i]}; }
  std::size_t bytes() const noexcept;

 private:
  std::vector<Number> firsts_;
  std::vector<Number> lasts_;
  std::vector<std::uint32_t> index_;  // how many intervals begin before addresses whose first 16 bits are i
};

extern template class IntervalSet<std::uint32_t>;
extern template class IntervalSet<Wide>;

class IpSet {
 public:
  static IpSet build(std::vector<IpPrefix> prefixes);
  bool contains(const IpAddress& ip) const noexcept {
    return ip.is_v4() ? v4.contains(number_of_v4(ip)) : v6.contains(number_of_v6(ip));
  }
  /// The fewest prefixes that hold the same addresses, IPv4 first, in order.
  std::vector<IpPrefix> prefixes() const;

  IntervalSet<std::uint32_t> v4;
  IntervalSet<Wide> v6;
};

}  // namespace rpx::policy
