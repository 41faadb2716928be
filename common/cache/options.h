// What a [cache.NAME] says, as plain values. Read by config/, compiled into a Rule by proxy::Site. Any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/units.h"

namespace rpx::cache {

/// Where objects are kept on a disk.
struct DiskOptions {
  std::string path;             ///< a folder of its own
  Size size = Size{10} << 30U;  ///< bytes of all its files together
  bool operator==(const DiskOptions&) const = default;
};

/// How long replies of a status, or of a class of them, are fresh where they do not say so themselves.
struct StatusTtl {
  std::string status;  ///< "404", or "5xx"
  Duration ttl{};      ///< 0 = not stored
  bool operator==(const StatusTtl&) const = default;
};

/// Requests that the cache has no part in: all that a rule says holds of them.
struct BypassOptions {
  std::string path;                                         ///< exact, or a prefix with /*; empty = any
  std::vector<std::pair<std::string, std::string>> header;  ///< all of them; "*" = any value
  std::string cookie;                                       ///< pattern of the name of one; empty = none needed
  std::string query;                                        ///< pattern of the name of a parameter; the same
  bool operator==(const BypassOptions&) const = default;
};

struct CacheOptions {
  std::string name;
  Size memory = Size{256} << 20;      ///< bytes of all objects together, their heads and keys included
  std::optional<DiskOptions> disk;    ///< none: memory alone
  Size max_object = Size{64} << 20;   ///< a larger body is passed on, not stored
  Duration default_ttl{};             ///< freshness at most when a reply states none; 0 = such replies are revalidated
  Duration heuristic_ttl{};           ///< the same for those with Last-Modified; 0 = default_ttl is for them, too
  std::vector<StatusTtl> status_ttl;  ///< in place of both, for the statuses it names; the exact one comes first
  std::vector<std::string> methods{"GET", "HEAD"};
  std::string key = "{scheme}{host}{path}{query}";
  std::vector<std::string> ignore_query;        ///< patterns of names of query parameters that are left out of the key
  Duration collapse = std::chrono::seconds(5);  ///< how long misses of one key wait for the first; 0 = they do not
  Duration stale_while_revalidate{};            ///< where the origin states none
  Duration stale_if_error{};                    ///< where the origin states none
  std::vector<BypassOptions> bypass;            ///< any of them
  std::string purge;                   ///< [access.NAME] of those who may send PURGE; empty = it is no method of ours
  bool status_header = true;           ///< Cache-Status (RFC 9211)
  std::string tags = "Surrogate-Key";  ///< reply field whose words are purge tags; empty = none
  bool operator==(const CacheOptions&) const = default;
};

}  // namespace rpx::cache
