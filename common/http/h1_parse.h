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
/// Errors    kBadRequest, kUriTooLong, kHeaderTooLarge, kVersionNotSupported, kMethodNotAllowed (CONNECT, TRACE),
///           kExpectationFailed; always Side::kClient. A head that cannot become valid is refused as early as its first
///           bad byte.
Result<std::size_t> parse_request_head(std::string_view bytes, const Limits& limits, Arena& arena, RequestHead& out);

/// Parses one response head. `request_method` decides whether a body follows (RFC 9112 section 6.3).
/// Returns as above. Errors: kBadResponse, kResponseTooLarge; always Side::kUpstream.
/// Interim responses (1xx) come out like any other head, with Framing::kNone.
Result<std::size_t> parse_response_head(std::string_view bytes, const Limits& limits, Method request_method,
                                        ResponseHead& out);

/// Puts a path into the one form that is routed, guarded, cached under and sent on. `path` starts with '/'. The result
/// is `path` itself where nothing had to change, else in `arena`; canonical_path of it is the same again.
/// Changed   escapes of unreserved bytes are decoded, other escapes get capitals, bytes that RFC 3986 does not allow
///           in a path but browsers send ("<>[]^`{|}) are escaped, then dot segments are resolved; several slashes
///           at the start become one. Kept: empty segments further in, ";parameters", %2F, other escapes.
/// Refused   malformed escapes; '#', '\\', space, controls and bytes from 0x80 on; escapes of a backslash or a control;
///           overlong UTF-8 in escapes; double escapes (%25 and two hex digits) of an unreserved byte, a backslash, a
///           control or another '%'; dot segments that climb above the root; segments that are dots only, or that
///           a lenient server makes into dot segments ("/..;x/", "/..%2F", "/..."); %2F behind a ';' of its segment.
/// Errors: kBadRequest, Side::kClient.
Result<std::string_view> canonical_path(std::string_view path, Arena& arena);

/// The canonical `path` as a server would read it that decodes twice, takes %2F for a slash, cuts a segment at ';' and
/// at an escaped '?' or '#', drops empty segments, and spaces and dots at the end of a segment. Escapes of other bytes
/// that a path may hold plainly are decoded, the rest is kept. `path` itself where that makes no difference.
/// A guard written for "/private/*" holds for every disguise ("/private;x/", "/private%2Fx", "/a//private/") when
/// both paths lead to the same route; where they do not, the request has to be refused.
std::string_view lax_path(std::string_view path, Arena& arena);

}  // namespace rpx::http
