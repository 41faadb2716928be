#include "policy/ip_set.h"

#include <bit>
#include <limits>

namespace rpx::policy {
namespace {

constexpr std::size_t kSlots = 65536;

std::size_t slot_of(std::uint32_t number) noexcept { return number >> 16; }
std::size_t slot_of(const Wide& number) noexcept { return static_cast<std::size_t>(number.high >> 48); }

bool is_most(std::uint32_t number) noexcept { return number == std::numeric_limits<std::uint32_t>::max(); }
bool is_most(const Wide& number) noexcept { return number.high == ~0ULL && number.low == ~0ULL; }

std::uint32_t after(std::uint32_t number) noexcept { return number + 1; }
Wide after(const Wide& number) noexcept { return {number.high + (number.low == ~0ULL ? 1 : 0), number.low + 1}; }

int zeros_at_end(std::uint32_t number) noexcept { return std::countr_zero(number); }
int zeros_at_end(const Wide& number) noexcept {
  return number.low != 0 ? std::countr_zero(number.low) : 64 + std::countr_zero(number.high);
}

IpRange<std::uint32_t> range_of(std::uint32_t first, int bits) noexcept {
  return range_of_v4(first, static_cast<std::uint8_t>(bits));
}
IpRange<Wide> range_of(const Wide& first, int bits) noexcept {
  return range_of_v6(first, static_cast<std::uint8_t>(bits));
}

/// The prefixes an interval is made of, largest first that fits.
template <class Number>
void cut_into_prefixes(const IpRange<Number>& range, int width, std::vector<IpPrefix>& out) {
  Number at = range.first;
  for (;;) {
    int bits = width - std::min(width, zeros_at_end(at));
    while (range_of(at, bits).last > range.last) ++bits;
    out.push_back({address_of(at), static_cast<std::uint8_t>(bits)});
    const Number last = range_of(at, bits).last;
    if (last >= range.last) return;
    at = after(last);
  }
}

}  // namespace

std::uint32_t number_of_v4(const IpAddress& ip) noexcept {
  const auto& b = ip.bytes();
  return (std::uint32_t{b[0]} << 24) | (std::uint32_t{b[1]} << 16) | (std::uint32_t{b[2]} << 8) | b[3];
}

Wide number_of_v6(const IpAddress& ip) noexcept {
  Wide out;
  for (std::size_t i = 0; i < 8; ++i) {
    out.high = (out.high << 8) | ip.bytes()[i];
    out.low = (out.low << 8) | ip.bytes()[i + 8];
  }
  return out;
}

IpRange<std::uint32_t> range_of_v4(std::uint32_t first, std::uint8_t bits) noexcept {
  const std::uint32_t host = bits == 0 ? ~0U : bits >= 32 ? 0U : ~0U >> bits;
  return {first & ~host, first | host};
}

IpRange<Wide> range_of_v6(const Wide& first, std::uint8_t bits) noexcept {
  const std::uint64_t high = bits == 0 ? ~0ULL : bits >= 64 ? 0ULL : ~0ULL >> bits;
  const std::uint64_t low = bits <= 64 ? ~0ULL : bits >= 128 ? 0ULL : ~0ULL >> (bits - 64);
  return {{first.high & ~high, first.low & ~low}, {first.high | high, first.low | low}};
}

IpAddress address_of(std::uint32_t number) noexcept { return IpAddress::v4(number); }

IpAddress address_of(const Wide& number) noexcept {
  std::array<std::uint8_t, 16> bytes;
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<std::uint8_t>(number.high >> (56 - 8 * i));
    bytes[i + 8] = static_cast<std::uint8_t>(number.low >> (56 - 8 * i));
  }
  return IpAddress::v6(bytes);
}

template <class Number>
void IntervalSet<Number>::add(const IpRange<Number>& range) {
  if (!lasts_.empty() && (is_most(lasts_.back()) || range.first <= after(lasts_.back()))) {
    lasts_.back() = std::max(lasts_.back(), range.last);
    return;
  }
  firsts_.push_back(range.first);
  lasts_.push_back(range.last);
}

template <class Number>
void IntervalSet<Number>::finish() {
  firsts_.shrink_to_fit();
  lasts_.shrink_to_fit();
  if (firsts_.empty()) return;
  index_.assign(kSlots + 1, 0);
  for (const Number& first : firsts_) ++index_[slot_of(first) + 1];
  for (std::size_t i = 1; i <= kSlots; ++i) index_[i] += index_[i - 1];
}

template <class Number>
bool IntervalSet<Number>::contains(const Number& number) const noexcept {
  if (firsts_.empty()) return false;
  const std::size_t slot = slot_of(number);
  const auto begin = firsts_.begin() + index_[slot];
  const auto end = firsts_.begin() + index_[slot + 1];
  // The interval that holds it may begin in an earlier slot.
  const auto past = std::upper_bound(begin, end, number) - firsts_.begin();
  return past != 0 && number <= lasts_[static_cast<std::size_t>(past - 1)];
}

template <class Number>
std::size_t IntervalSet<Number>::bytes() const noexcept {
  return (firsts_.capacity() + lasts_.capacity()) * sizeof(Number) + index_.capacity() * sizeof(std::uint32_t);
}

template class IntervalSet<std::uint32_t>;
template class IntervalSet<Wide>;

IpSet IpSet::build(std::vector<IpPrefix> prefixes) {
  std::ranges::sort(prefixes,
                    [](const IpPrefix& a, const IpPrefix& b) { return a.address.bytes() < b.address.bytes(); });
  IpSet out;
  for (const IpPrefix& prefix : prefixes) {
    if (prefix.address.is_v4())
      out.v4.add(range_of_v4(number_of_v4(prefix.address), prefix.bits));
    else
      out.v6.add(range_of_v6(number_of_v6(prefix.address), prefix.bits));
  }
  out.v4.finish();
  out.v6.finish();
  return out;
}

std::vector<IpPrefix> IpSet::prefixes() const {
  std::vector<IpPrefix> out;
  for (std::size_t i = 0; i < v4.size(); ++i) cut_into_prefixes(v4[i], 32, out);
  for (std::size_t i = 0; i < v6.size(); ++i) cut_into_prefixes(v6[i], 128, out);
  return out;
}

}  // namespace rpx::policy
