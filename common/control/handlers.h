// The handlers of the control API, one a call; the table in routes.cc names them. Any thread, several at once.
#pragma once

#include "control/host.h"
#include "control/message.h"

namespace rpx::control {

Reply answer_status(Host& host, const Request& request);
Reply answer_metrics(Host& host, const Request& request);
Reply answer_config(Host& host, const Request& request);
Reply answer_check(Host& host, const Request& request);
Reply answer_reload(Host& host, const Request& request);
Reply answer_stop(Host& host, const Request& request);
Reply answer_upgrade(Host& host, const Request& request);
Reply answer_routes(Host& host, const Request& request);
Reply answer_explain(Host& host, const Request& request);
Reply answer_upstreams(Host& host, const Request& request);
Reply answer_upstream(Host& host, const Request& request);
Reply answer_history(Host& host, const Request& request);
Reply answer_change_server(Host& host, const Request& request);
Reply answer_connections(Host& host, const Request& request);
Reply answer_events(Host& host, const Request& request);

}  // namespace rpx::control
