// Tells a service manager how it goes: sd_notify(3)'s datagrams, without its library. Called by a running proxy; any
// thread.
#pragma once

#include <string_view>

namespace rpx::serve {

/// Takes $NOTIFY_SOCKET out of the environment, so that no child speaks for us. Once, before there are threads.
void open_notify();
/// Sends `state` ("READY=1"), when a manager listens. Failure is ignored: the manager then goes by its own timeout.
void notify(std::string_view state);
/// RELOADING=1 with the time systemd asks for beside it.
void notify_reloading();

}  // namespace rpx::serve
