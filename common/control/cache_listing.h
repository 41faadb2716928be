// What a cache holds, in memory and on the disk, as one list, and its JSON. Waits for the disk where it says so; on the
// control threads.
#pragma once

#include <optional>
#include <vector>

#include "cache/disk_index.h"
#include "cache/store.h"
#include "control/json.h"

namespace rpx::control {

/// A stored reply, wherever it is.
struct Listed {
  cache::EntryPtr entry;                    ///< in memory; null: it is on the disk alone
  std::optional<cache::DiskObject> object;  ///< on the disk
};

/// Everything that `filter` names, by URL.
std::vector<Listed> list_cache(cache::Store& store, const cache::Filter& filter);
/// As list_cache, with what is on the disk alone read from there, which is waited for.
std::vector<Listed> read_cache(cache::Store& store, const cache::Filter& filter);

/// "fresh" "stale" "purged"
std::string_view state_of(const Listed& listed, WallTime now);
/// Members of an object that is open: what is told of each in a list.
void write_facts(Json& json, const Listed& listed, WallTime now);
/// The disk store as an object, or null.
void write_disk(Json& json, const cache::Store& store);

}  // namespace rpx::control
