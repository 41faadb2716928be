// Calls that take servers into upstreams and out of them. Any thread, several at once.
#pragma once

#include "control/host.h"
#include "control/message.h"

namespace rpx::control {

Reply answer_add_server(Host& host, const Request& request);
Reply answer_remove_server(Host& host, const Request& request);

}  // namespace rpx::control
