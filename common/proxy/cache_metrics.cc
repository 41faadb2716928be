#include <fmt/format.h>

#include <iterator>

#include "proxy/metrics.h"

namespace rpx::proxy {
namespace {

struct CacheMetric {
  std::string_view name;
  std::string_view type;
  std::string_view help;
  std::uint64_t (*value)(cache::Store& store);
};

using Count64 = std::atomic<std::uint64_t>;
template <Count64 cache::StoreCounters::* Member>
std::uint64_t counted(cache::Store& store) {
  return (store.counters().*Member).load(std::memory_order_relaxed);
}

constexpr CacheMetric kCacheMetrics[] = {
    {"rpx_cache_entries", "gauge", "Objects stored.", [](cache::Store& store) { return store.entries(); }},
    {"rpx_cache_bytes", "gauge", "Bytes of memory they take.", [](cache::Store& store) { return store.bytes(); }},
    {"rpx_cache_capacity_bytes", "gauge", "Bytes they may take.",
     [](cache::Store& store) -> std::uint64_t { return store.capacity(); }},
    {"rpx_cache_hits_total", "counter", "Requests answered from the store, fresh.",
     counted<&cache::StoreCounters::hits>},
    {"rpx_cache_stale_total", "counter", "Requests answered from the store, stale.",
     counted<&cache::StoreCounters::stale>},
    {"rpx_cache_revalidated_total", "counter", "Requests answered from the store once the origin had confirmed it.",
     counted<&cache::StoreCounters::revalidated>},
    {"rpx_cache_misses_total", "counter", "Requests that were asked of the origin.",
     counted<&cache::StoreCounters::misses>},
    {"rpx_cache_bypasses_total", "counter", "Requests that were not for the cache.",
     counted<&cache::StoreCounters::bypasses>},
    {"rpx_cache_collapsed_total", "counter", "Requests that waited for another's.",
     counted<&cache::StoreCounters::collapsed>},
    {"rpx_cache_stored_total", "counter", "Objects stored so far.", counted<&cache::StoreCounters::stored>},
    {"rpx_cache_evicted_total", "counter", "Objects that gave way to others.", counted<&cache::StoreCounters::evicted>},
    {"rpx_cache_invalidated_total", "counter", "Objects taken out by unsafe requests.",
     counted<&cache::StoreCounters::invalidated>},
    {"rpx_cache_purged_total", "counter", "Objects purged.", counted<&cache::StoreCounters::purged>},
};

}  // namespace

std::string write_cache_metrics(std::span<const std::shared_ptr<cache::Store>> stores) {
  std::string out;
  if (stores.empty()) return out;
  const auto end = std::back_inserter(out);
  for (const CacheMetric& metric : kCacheMetrics) {
    fmt::format_to(end, "# HELP {} {}\n# TYPE {} {}\n", metric.name, metric.help, metric.name, metric.type);
    for (const auto& store : stores)
      fmt::format_to(end, "{}{{cache=\"{}\"}} {}\n", metric.name, store->name(), metric.value(*store));
  }
  return out;
}

}  // namespace rpx::proxy
