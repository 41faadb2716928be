// The table of calls of the control API, and the one function that answers them. No sockets; any thread, several at
// once.
#pragma once

#include <span>
#include <string_view>

#include "control/host.h"
#include "control/message.h"

namespace rpx::control {

/// One call: what is asked, who answers, what it is for.
struct Call {
  std::string_view method;   ///< "GET" also answers HEAD
  std::string_view pattern;  ///< "/v1/upstreams/{name}": one segment may be a name
  std::string_view query;    ///< names of the query parameters it takes, separated by spaces
  bool takes_body;           ///< without it a body is refused
  Reply (*handler)(Host& host, const Request& request);
  std::string_view doc;  ///< one line, no full stop
  bool guarded = false;  ///< over TCP it takes the token, though it changes nothing: it gives away what is stored
};

/// Every call there is, in the order of the manual.
std::span<const Call> calls() noexcept;

/// Answers `request`, which holds method, target, body and asker. Everything wrong with it becomes problem+json.
Reply dispatch(Host& host, Request request);

/// Bodies longer than this are refused with 413.
inline constexpr std::size_t kMaxBody = std::size_t{16} << 20;
/// But those of type application/octet-stream, objects for a cache, may be so long.
inline constexpr std::size_t kMaxBinary = std::size_t{512} << 20;

}  // namespace rpx::control
