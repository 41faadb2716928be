// PURGE: stored objects taken out over HTTP, for those whom the cache's access rules allow it. Called by cached.cc; on
// the worker's thread.
#pragma once

#include "proxy/visit.h"

namespace rpx::proxy {

/// Whether the request is one that serve_purge() answers.
bool is_purge(const Visit& visit) noexcept;

/// Purges what the request names, and answers with how much that was, as JSON: 200; 403 for those who may not, 400 for
/// a Purge-Mode that is unknown.
rt::Task<void> serve_purge(Visit& visit);

/// As Store::purge(), on a thread that may take its time where there is one.
rt::Task<cache::Taken> purge_beside(Visit& visit, cache::Filter filter, bool soft);

}  // namespace rpx::proxy
