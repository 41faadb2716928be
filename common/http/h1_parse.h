// HTTP/1 heads from bytes to values, strictly by RFC 9112. Pure; any thread. What is not plainly
// allowed is refused: bare CR or LF, folded lines, whitespace before a colon, doubled or contradictory
// framing, anything that two readers could read two ways.
#pragma once

#include <string_view>

#include "base/arena.h"
#include "base/error.h"
#include "http/limits.h"
#include "http/message.h"

namespace rpx::http {

/// Parses one request head at the start of `bytes` into `out` (cleared first).
/// `bytes`   what has arrived so far; views in `out` point into it. One leading CRLF is skipped.
/// `arena`   holds what had to be rewritten (a path that was not canonical, a lower-cased host).
/// Returns   bytes consumed, or 0 when the head is not complete yet (call again with more).
/// Errors    kBadRequest, kUriTooLong, kHeaderTooLarge, kVersionNotSupported, kMethodNotAllowed (CONNECT, TRACE);
///           always Side::kClient. A head that cannot become valid is refused as early as its first bad byte.
Result<std::size_t> parse_request_head(std::string_view bytes, const Limits& limits, Arena& arena, RequestHead& out);

/// Parses one response head. `request_method` decides whether a body follows (RFC 9112 section 6.3).
/// Returns as above. Errors: kBadResponse, kResponseTooLarge; always Side::kUpstream.
/// Interim responses (1xx) come out like any other head, with Framing::kNone.
Result<std::size_t> parse_response_head(std::string_view bytes, const Limits& limits, Method request_method,
                                        ResponseHead& out);

/// Puts a path into canonical form: dot segments resolved (also when encoded), unreserved bytes decoded,
/// hex digits in capitals, empty segments kept. Fails on %00, malformed escapes, bytes that a path may
/// not hold, a backslash plain or encoded, and dot segments that climb above the root.
/// `path` starts with '/'. The result is `path` itself where nothing had to change, else in `arena`.
Result<std::string_view> canonical_path(std::string_view path, Arena& arena);

}  // namespace rpx::http
