// Who may ask what over TCP: anybody what changes nothing and gives away nothing that is stored, and whoever shows the
// token of [admin] everything. Pure; any thread.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "control/message.h"
#include "proxy/options.h"

namespace rpx::control {

/// What of a call is looked at before it is read; borrowed.
struct TcpCall {
  std::string_view method;
  std::string_view target;         ///< as it stands in the request line
  std::string_view host;           ///< value of Host; empty = there is none
  std::string_view authorization;  ///< value of Authorization; empty = there is none
};

/// Whether the token was shown; or what keeps the call out: 401, or 403 where no token is configured. Without a token
/// Host must be an address, localhost or the host of admin.address: a page of another site whose name has been made to
/// lead here (DNS rebinding) does not get to read, and is answered with 403. The metrics are for whoever asks:
/// collectors do so by what names their network has.
std::expected<bool, Reply> admit_over_tcp(const TcpCall& call, const proxy::AdminOptions& admin);

/// 401, or 403 where no token is configured: for what is shown and done over TCP with the token alone.
Reply needs_token(const proxy::AdminOptions& admin);

/// The page that shows a person how the proxy does; it asks /v1/status and /v1/upstreams. 405 for what is not GET
/// or HEAD.
Reply dashboard(std::string_view method);

}  // namespace rpx::control
