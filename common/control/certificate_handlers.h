// The calls about certificates. Used by the table of routes; any thread, several at once.
#pragma once

#include "control/host.h"
#include "control/message.h"

namespace rpx::control {

Reply answer_certificates(Host& host, const Request& request);
Reply answer_certificates_reload(Host& host, const Request& request);

}  // namespace rpx::control
