// Coded forms of stored bodies made at a level for which nobody would wait: off the worker's loop, once an object has
// been asked for more than once. Called by proxy/encode on the worker's thread.
#pragma once

#include "proxy/connection.h"

namespace rpx::proxy {

struct Stored;

/// Begins to make the best form of the stored body, unless that is under way, or too many others are.
void start_better_form(ClientConnection& connection, const Stored& stored, http::Coding coding);

}  // namespace rpx::proxy
