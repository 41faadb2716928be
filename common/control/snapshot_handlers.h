// Calls that take what a cache holds out of it, and into it. Control threads.
#pragma once

#include "control/host.h"
#include "control/message.h"

namespace rpx::control {

Reply answer_cache_export(Host& host, const Request& request);
Reply answer_cache_import(Host& host, const Request& request);

}  // namespace rpx::control
