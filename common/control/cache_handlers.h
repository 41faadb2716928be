// The handlers of /v1/cache; the table in routes.cc names them. Any thread, several at once.
#pragma once

#include "control/host.h"
#include "control/message.h"

namespace rpx::control {

Reply answer_caches(Host& host, const Request& request);
Reply answer_cache(Host& host, const Request& request);
Reply answer_cache_entries(Host& host, const Request& request);
Reply answer_cache_entry(Host& host, const Request& request);
Reply answer_cache_body(Host& host, const Request& request);
Reply answer_cache_purge(Host& host, const Request& request);

}  // namespace rpx::control
