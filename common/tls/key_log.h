// The secrets of connections, written down so that what was recorded of them can be read: for finding faults, never for
// service. Off unless a file is named when the process starts. Any thread.
#pragma once

#include <string>

#include "base/error.h"
#include "tls/openssl.h"

namespace rpx::tls {

/// The secrets of what `context` makes are appended to `path` (mode 0600), as SSLKEYLOGFILE has them; one file a
/// process. Errors: kConfig.
Status log_keys(SSL_CTX* context, const std::string& path);

}  // namespace rpx::tls
