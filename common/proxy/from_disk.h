// Objects that are on the disk and not in memory: read off the loop, once for all who want one, and kept in memory from
// then on. On the worker's thread.
#pragma once

#include "proxy/visit.h"

namespace rpx::proxy {

/// Brings what the disk store has for the request into memory, where `found` is all there is, and says what is found
/// then. When another request reads it already, that is not waited for longer than `deadline`.
rt::Task<cache::Store::Found> bring_from_disk(Visit& visit, cache::Store::Found found, Instant deadline);

/// Waits until what has been taken out of the store cannot come back from the disk.
rt::Task<void> settle_disk(Visit& visit);

}  // namespace rpx::proxy
