// The calls about certificates that the proxy obtains by itself. See routes.cc. Any thread.
#pragma once

#include "control/host.h"
#include "control/message.h"

namespace rpx::control {

Reply answer_acme(Host& host, const Request& request);
Reply answer_acme_renew(Host& host, const Request& request);
Reply answer_put_challenge(Host& host, const Request& request);
Reply answer_delete_challenge(Host& host, const Request& request);

}  // namespace rpx::control
