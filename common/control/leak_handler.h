// The call that looks for what tells on the servers in a reply as a client would get it. Any thread.
#pragma once

#include "control/host.h"
#include "control/message.h"

namespace rpx::control {

Reply answer_leaks(Host& host, const Request& request);

}  // namespace rpx::control
