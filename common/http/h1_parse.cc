#include "http/h1_parse.h"

#include "base/result.h"
#include "base/text.h"
#include "http/chars.h"
#include "http/field_lines.h"
#include "http/framing.h"
#include "http/target.h"

namespace rpx::http {
namespace {

using enum FieldId;

constexpr std::size_t kLongestMethod = 32;

std::unexpected<Error> bad(const char* detail) { return client_error(ErrorKind::kBadRequest, detail); }
std::unexpected<Error> bad_response(const char* detail) { return upstream_error(ErrorKind::kBadResponse, detail); }

/// A position in the head, or 0 when the bytes end before the thing sought.
using Position = Result<std::size_t>;

/// Reads "METHOD ".
Position read_method(std::string_view bytes, std::size_t at, RequestHead& out) {
  std::size_t end = at;
  while (end < bytes.size() && look_up(kToken, bytes[end]) != 0) ++end;
  if (end - at > kLongestMethod) return bad("method too long");
  if (end == bytes.size()) return 0;
  if (bytes[end] == '\x16' && end == at) return bad("TLS where plain HTTP is spoken");
  if (bytes[end] != ' ' || end == at) return bad("request line does not begin with a method and a space");
  out.method_name = bytes.substr(at, end - at);
  out.method = method_of(out.method_name);
  if (out.method == Method::kConnect || out.method == Method::kTrace)
    return client_error(ErrorKind::kMethodNotAllowed, "CONNECT and TRACE are not served");
  // The preface of HTTP/2 is made to look like a request, and is none (RFC 9113 section 3.4).
  if (out.method_name == "PRI") return bad("HTTP/2 preface where HTTP/1 is spoken");
  return end + 1;
}

/// Reads the target and the space after it.
Position read_target(std::string_view bytes, std::size_t at, const Limits& limits, RequestHead& out) {
  std::size_t end = at;
  while (end < bytes.size() && look_up(kTarget, bytes[end]) != 0) ++end;
  if (end - at > limits.uri_bytes) return client_error(ErrorKind::kUriTooLong, "target longer than uri_bytes");
  if (end == bytes.size()) return 0;
  if (bytes[end] == '#') return bad("fragment in the target");
  if (bytes[end] != ' ') return bad("byte that a target may not hold");
  if (end == at) return bad("empty target");
  out.raw_target = bytes.substr(at, end - at);
  return end + 1;
}

enum class VersionFault : std::uint8_t { kNone, kSyntax, kOther };

/// Reads "HTTP/1.x"; `at` is moved behind it when it is there whole.
VersionFault read_version(std::string_view bytes, std::size_t& at, std::uint8_t& minor) noexcept {
  constexpr std::string_view kUsual = "HTTP/1.1";
  if (bytes.substr(at, kUsual.size()) == kUsual) {
    minor = 1;
    at += kUsual.size();
    return VersionFault::kNone;
  }
  constexpr std::string_view kShape = "HTTP/d.d";
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    if (at + i == bytes.size()) return VersionFault::kNone;
    const char c = bytes[at + i];
    if (kShape[i] == 'd' ? !is_digit(static_cast<unsigned char>(c)) : c != kShape[i]) return VersionFault::kSyntax;
  }
  if (bytes[at + 5] != '1' || bytes[at + 7] > '1') return VersionFault::kOther;
  minor = static_cast<std::uint8_t>(bytes[at + 7] - '0');
  at += kShape.size();
  return VersionFault::kNone;
}

/// Reads "HTTP/1.x CRLF".
Position read_end_of_request_line(std::string_view bytes, std::size_t at, RequestHead& out) {
  const std::size_t start = at;
  switch (read_version(bytes, at, out.minor_version)) {
    case VersionFault::kSyntax: return bad("request line does not end with an HTTP version");
    case VersionFault::kOther:
      return client_error(ErrorKind::kVersionNotSupported, "HTTP version other than 1.0 and 1.1");
    case VersionFault::kNone: break;
  }
  if (at == start || at == bytes.size()) return 0;
  if (bytes[at] != '\r') return bad("bytes after the HTTP version");
  if (at + 1 == bytes.size()) return 0;
  if (bytes[at + 1] != '\n') return bad("carriage return without line feed");
  return at + 2;
}

Position read_request_line(std::string_view bytes, const Limits& limits, RequestHead& out) {
  std::size_t at = 0;
  // RFC 9112 section 2.2: old clients end a body with a line too many.
  if (bytes.starts_with('\r')) {
    if (bytes.size() == 1) return 0;
    if (bytes[1] != '\n') return bad("carriage return without line feed");
    at = 2;
  }
  RPX_TRY(at, read_method(bytes, at, out));
  if (at == 0) return 0;
  RPX_TRY(at, read_target(bytes, at, limits, out));
  if (at == 0) return 0;
  return read_end_of_request_line(bytes, at, out);
}

/// Reads "HTTP/1.x status [reason] CRLF".
Position read_status_line(std::string_view bytes, ResponseHead& out) {
  std::size_t at = 0;
  if (read_version(bytes, at, out.minor_version) != VersionFault::kNone)
    return bad_response("not an HTTP/1 status line");
  if (at == 0) return 0;
  // " 200" and what follows it: a space before a reason, or the end of the line.
  constexpr std::size_t kStatus = 4;
  for (std::size_t i = 0; i < kStatus; ++i) {
    if (at + i == bytes.size()) return 0;
    const char c = bytes[at + i];
    const bool good = i == 0 ? c == ' ' : is_digit(static_cast<unsigned char>(c)) && (i > 1 || c != '0');
    if (!good) return bad_response("status that is not a number from 100 to 999");
    if (i > 0) out.status = static_cast<std::uint16_t>(out.status * 10 + (c - '0'));
  }
  at += kStatus;
  if (at == bytes.size()) return 0;
  if (bytes[at] == ' ') {
    const std::size_t start = ++at;
    while (at < bytes.size() && look_up(kFieldText, bytes[at]) != 0) ++at;
    out.reason = trim(bytes.substr(start, at - start));
    if (at == bytes.size()) return 0;
  }
  if (bytes[at] != '\r') return bad_response("byte that a status line may not hold");
  if (at + 1 == bytes.size()) return 0;
  if (bytes[at + 1] != '\n') return bad_response("carriage return without line feed");
  return at + 2;
}

/// Host and target, which have to agree on what is asked of whom (RFC 9112 section 3.2).
Status read_authority_and_target(const Framed& framed, Arena& arena, RequestHead& out) {
  if (framed.hosts > 1) return bad("several Host fields");
  if (framed.hosts == 0 && out.minor_version == 1) return bad("HTTP/1.1 request without Host");
  if (framed.hosts == 1) RPX_TRY_VOID(parse_authority(out.headers.value(kHost), arena, out.target));
  // An absolute form overwrites what Host said.
  return parse_target(out.raw_target, out.method, arena, out.target);
}

/// Upgrades that would make a second HTTP or a TLS connection of this one are not passed on: what a client then says to
/// the server, nobody here would read.
bool is_foreign_protocol(std::string_view upgrade) noexcept {
  for (;;) {
    const std::size_t comma = upgrade.find(',');
    const std::string_view one = trim(upgrade.substr(0, comma));
    for (const std::string_view ours : {"h2", "h3", "http", "tls"})
      if (iequals(one.substr(0, ours.size()), ours)) return false;
    if (comma == std::string_view::npos) return !one.empty();
    upgrade.remove_prefix(comma + 1);
  }
}

Status read_intentions(const Framed& framed, RequestHead& out) {
  out.keep_alive = framed.keeps_alive(out.minor_version);
  const bool has_body = out.framing == Framing::kChunked || out.content_length != 0;
  out.wants_upgrade =
      framed.upgrade && out.minor_version == 1 && !has_body && is_foreign_protocol(out.headers.value(kUpgrade));
  if (!framed.expect) return {};
  // RFC 9110 section 10.1.1: HTTP/1.0 has no expectations, and a server must not answer them.
  if (out.minor_version == 0) {
    out.headers.remove(kExpect);
    return {};
  }
  if (!iequals(out.headers.value(kExpect), "100-continue"))
    return client_error(ErrorKind::kExpectationFailed, "expectation other than 100-continue");
  out.expects_continue = has_body;
  return {};
}

Result<std::size_t> field_fault(const FieldLines& lines, Side side) {
  if (side == Side::kClient)
    return client_error(lines.too_large ? ErrorKind::kHeaderTooLarge : ErrorKind::kBadRequest, lines.fault);
  return upstream_error(lines.too_large ? ErrorKind::kResponseTooLarge : ErrorKind::kBadResponse, lines.fault);
}

}  // namespace

Result<std::size_t> parse_request_head(std::string_view bytes, const Limits& limits, Arena& arena, RequestHead& out) {
  out.clear();
  RPX_TRY(const std::size_t fields, read_request_line(bytes, limits, out));
  if (fields == 0) {
    if (bytes.size() >= limits.header_bytes)
      return client_error(ErrorKind::kHeaderTooLarge, "head larger than header_bytes");
    return 0;
  }
  const FieldLines lines = read_field_lines(bytes, fields, limits, out.headers);
  if (lines.fault != nullptr) return field_fault(lines, Side::kClient);
  if (lines.end == 0) return 0;
  if (lines.has_odd_names)
    for (const Field& field : out.headers)
      if (looks_like_known_field(field.name)) return bad("field name that differs from a known one by punctuation");

  const Framed framed = read_framing(out.headers, out.minor_version, Message::kRequest);
  if (framed.fault != nullptr) return bad(framed.fault);
  out.framing = framed.framing;
  out.content_length = framed.content_length;
  RPX_TRY_VOID(read_authority_and_target(framed, arena, out));
  RPX_TRY_VOID(read_intentions(framed, out));
  return lines.end;
}

Result<std::size_t> parse_response_head(std::string_view bytes, const Limits& limits, Method request_method,
                                        ResponseHead& out) {
  out.clear();
  RPX_TRY(const std::size_t fields, read_status_line(bytes, out));
  if (fields == 0) {
    if (bytes.size() >= limits.header_bytes)
      return upstream_error(ErrorKind::kResponseTooLarge, "head larger than header_bytes");
    return 0;
  }
  const FieldLines lines = read_field_lines(bytes, fields, limits, out.headers);
  if (lines.fault != nullptr) return field_fault(lines, Side::kUpstream);
  if (lines.end == 0) return 0;

  const Framed framed = read_framing(out.headers, out.minor_version, Message::kReply);
  if (framed.fault != nullptr) return bad_response(framed.fault);
  const bool says_body = framed.framing != Framing::kNone;
  const bool interim = out.status < 200;
  if (interim && says_body) return bad_response("interim response with a body");
  out.content_length = framed.content_length;
  out.keep_alive = framed.keeps_alive(out.minor_version);
  if (interim || out.status == 204 || out.status == 304 || request_method == Method::kHead) {
    out.framing = Framing::kNone;
    // A server that announces a body here may send one, and that would be taken for the next response.
    const bool may_send_body =
        framed.framing == Framing::kChunked || framed.framing == Framing::kClose || framed.content_length != 0;
    if (out.status == 204 && may_send_body) out.keep_alive = false;
    return lines.end;
  }
  out.framing = says_body ? framed.framing : Framing::kClose;
  if (out.framing == Framing::kClose) out.keep_alive = false;
  return lines.end;
}

}  // namespace rpx::http
