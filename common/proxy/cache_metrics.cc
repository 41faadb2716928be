#include <fmt/format.h>

#include <iterator>

#include "cache/disk_store.h"
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

struct DiskMetric {
  std::string_view name;
  std::string_view type;
  std::string_view help;
  std::uint64_t (*value)(cache::DiskStore& disk);
};

template <Count64 cache::DiskCounters::* Member>
std::uint64_t counted_on_disk(cache::DiskStore& disk) {
  return (disk.counters().*Member).load(std::memory_order_relaxed);
}

constexpr DiskMetric kDiskMetrics[] = {
    {"rpx_cache_disk_up", "gauge", "1 when the disk store can be used, and written to.",
     [](cache::DiskStore& disk) -> std::uint64_t { return disk.complaint().empty() ? 1 : 0; }},
    {"rpx_cache_disk_entries", "gauge", "Objects on the disk.", [](cache::DiskStore& disk) { return disk.objects(); }},
    {"rpx_cache_disk_bytes", "gauge", "Bytes of its files.", [](cache::DiskStore& disk) { return disk.bytes(); }},
    {"rpx_cache_disk_size_bytes", "gauge", "Bytes they may have.",
     [](cache::DiskStore& disk) -> std::uint64_t { return disk.size(); }},
    {"rpx_cache_disk_hits_total", "counter", "Requests whose object was on the disk and not in memory.",
     counted_on_disk<&cache::DiskCounters::hits>},
    {"rpx_cache_disk_reads_total", "counter", "Objects read.", counted_on_disk<&cache::DiskCounters::reads>},
    {"rpx_cache_disk_read_bytes_total", "counter", "Bytes read.", counted_on_disk<&cache::DiskCounters::read_bytes>},
    {"rpx_cache_disk_writes_total", "counter", "Objects written.", counted_on_disk<&cache::DiskCounters::written>},
    {"rpx_cache_disk_written_bytes_total", "counter", "Bytes written.",
     counted_on_disk<&cache::DiskCounters::written_bytes>},
    {"rpx_cache_disk_evicted_total", "counter", "Objects that gave way to others.",
     counted_on_disk<&cache::DiskCounters::evicted>},
    {"rpx_cache_disk_skipped_total", "counter", "Objects not written: too much waited, or the disk failed.",
     counted_on_disk<&cache::DiskCounters::skipped>},
    {"rpx_cache_disk_damaged_total", "counter", "Objects that were not what had been written, and not used.",
     counted_on_disk<&cache::DiskCounters::damaged>},
    {"rpx_cache_disk_errors_total", "counter", "Reads and writes that failed.",
     counted_on_disk<&cache::DiskCounters::errors>},
};

void write_disk_metrics(std::string& out, std::span<const std::shared_ptr<cache::Store>> stores) {
  const auto end = std::back_inserter(out);
  for (const DiskMetric& metric : kDiskMetrics) {
    bool first = true;
    for (const auto& store : stores) {
      const auto disk = store->disk();
      if (!disk) continue;
      if (std::exchange(first, false))
        fmt::format_to(end, "# HELP {} {}\n# TYPE {} {}\n", metric.name, metric.help, metric.name, metric.type);
      fmt::format_to(end, "{}{{cache=\"{}\"}} {}\n", metric.name, store->name(), metric.value(*disk));
    }
  }
}

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
  write_disk_metrics(out, stores);
  return out;
}

}  // namespace rpx::proxy
