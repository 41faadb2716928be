// The larger sections, each with its keys in a file of its own (keys_of_*.cc); keys.cc puts them together.
// Constant data, any thread.
#pragma once

#include "config/key.h"

namespace rpx::config {

extern const Section kUpstreamSection;   ///< [upstream.NAME]
extern const Section kCompressSection;   ///< [compress.NAME]
extern const Section kCacheSection;      ///< [cache.NAME]
extern const Section kRateLimitSection;  ///< [rate_limit.NAME]
extern const Section kAccessSection;     ///< [access.NAME]
extern const Section kAcmeSection;       ///< [acme]
extern const Section kFaultSection;      ///< [fault.NAME]
extern const Section kBanSection;        ///< [[ban]]
extern const Section kRouteSection;      ///< [[route]]
extern const Section kDefaultsSection;   ///< [defaults]

}  // namespace rpx::config
