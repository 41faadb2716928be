// The calls about faults and maintenance: what an operator switches while the proxy runs. Any thread.
#pragma once

#include "control/host.h"
#include "control/message.h"

namespace rpx::control {

Reply answer_faults(Host& host, const Request& request);
Reply answer_fault(Host& host, const Request& request);
Reply answer_change_fault(Host& host, const Request& request);
Reply answer_end_fault(Host& host, const Request& request);
Reply answer_maintenances(Host& host, const Request& request);
Reply answer_maintenance(Host& host, const Request& request);
Reply answer_change_maintenance(Host& host, const Request& request);

}  // namespace rpx::control
