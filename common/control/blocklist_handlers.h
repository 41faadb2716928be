// The handlers of /v1/blocklist; the table in routes.cc names them. Any thread, several at once.
#pragma once

#include "control/host.h"
#include "control/message.h"

namespace rpx::control {

Reply answer_blocklist(Host& host, const Request& request);
Reply answer_blocklist_add(Host& host, const Request& request);
Reply answer_blocklist_del(Host& host, const Request& request);
Reply answer_blocklist_test(Host& host, const Request& request);

}  // namespace rpx::control
