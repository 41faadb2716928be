// Which fields end at this hop (RFC 9110 section 7.6.1). Pure.
#pragma once

#include "http/message.h"

namespace rpx::http {

/// Copies into `out` every field of `in` that may travel on: not Connection and what it lists, Keep-Alive,
/// Proxy-Connection, Proxy-Authenticate, Proxy-Authorization, TE, Transfer-Encoding, Upgrade, HTTP2-Settings;
/// Content-Length goes too, since each side writes its own framing. Trailer is kept.
/// `out` is cleared first; views are shared with `in`. A Connection option that names a field the message
/// cannot do without (Host, Content-Length, Authorization, Cookie, Cache-Control…) does not remove it.
void copy_end_to_end(const Headers& in, Headers& out);

}  // namespace rpx::http
