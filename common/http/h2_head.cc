// How the fields of an HTTP/2 request become the one canonical request: they are put into the words of HTTP/1 and read
// by its parser, so that whatever it refuses is refused here too. Beside h2_stream.cc.
#include <algorithm>

#include "base/result.h"
#include "base/text.h"
#include "http/chars.h"
#include "http/h1_parse.h"
#include "http/h2_session.h"
#include "http/h2_stream.h"

namespace rpx::http {
namespace {

bool is_token(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return look_up(kToken, c) != 0; });
}

}  // namespace

void H2Stream::refuse(ErrorKind kind, const char* why) {
  if (!fault_) fault_ = Error{kind, Side::kClient, why};
}

void H2Stream::take_field(std::string_view name, std::string_view value) {
  const Limits& limits = session_->limits_;
  // An HTTP/2 header list counts 32 bytes for each field; a line of HTTP/1 costs four.
  head_bytes_ += name.size() + value.size() + 4;
  if (has_head_) return take_trailer(name, value, limits);
  if (head_bytes_ > limits.header_bytes) return refuse(ErrorKind::kHeaderTooLarge, "head larger than header_bytes");
  if (name == ":method") {
    method_ = value;
  } else if (name == ":path") {
    if (value.size() > limits.uri_bytes) return refuse(ErrorKind::kUriTooLong, "target longer than uri_bytes");
    path_ = value;
  } else if (name == ":authority") {
    authority_ = value;
  } else if (name == ":protocol") {
    protocol_ = value;
  } else if (name.starts_with(':')) {
    return;  // :scheme: what the connection is says more
  } else if (name == "host") {
    if (!host_.empty() && host_ != value) refuse(ErrorKind::kBadRequest, "several Host fields");
    host_ = value;
  } else if (name == "cookie") {
    // Sent in crumbs, to be one field again (RFC 9113 section 8.2.3).
    if (!cookies_.empty()) cookies_ += "; ";
    cookies_ += value;
  } else {
    // Counted here, so that not even text is made of a million of them.
    if (++field_count_ > limits.headers) return refuse(ErrorKind::kHeaderTooLarge, "more header lines than headers");
    has_length_ |= name == "content-length";
    fields_.append(name).append(": ").append(value).append("\r\n");
  }
}

void H2Stream::complete_head(bool end) {
  has_head_ = true;
  received_all_ = end;
  if (!authority_.empty() && !host_.empty() && !iequals(authority_, host_))
    refuse(ErrorKind::kBadRequest, "Host and :authority differ");
  if (method_ != "CONNECT" && !path_.starts_with('/') && path_ != "*")
    refuse(ErrorKind::kBadRequest, "a :path that does not begin with a slash");
  const std::string& host = authority_.empty() ? host_ : authority_;
  const bool tunnel = !protocol_.empty();
  if (tunnel && (!is_token(protocol_) || has_length_))
    refuse(ErrorKind::kBadRequest, "a CONNECT that HTTP does not allow");
  text_.append(tunnel ? "GET" : method_).append(" ").append(path_).append(" HTTP/1.1\r\n");
  if (!host.empty()) text_.append("host: ").append(host).append("\r\n");
  text_ += fields_;
  if (!cookies_.empty()) text_.append("cookie: ").append(cookies_).append("\r\n");
  if (tunnel)
    text_.append("connection: upgrade\r\nupgrade: ").append(protocol_).append("\r\n");
  else if (!end && !has_length_)
    text_ += "transfer-encoding: chunked\r\n";
  text_ += "\r\n";
  // The words around the fields are ours, and none of the client's bytes.
  Limits limits = session_->limits_;
  limits.header_bytes += 128;
  limits.headers += 4;
  RequestHead& head = request();
  const auto parsed = parse_request_head(text_, limits, arena(), head);
  if (!parsed)
    refuse(parsed.error().kind, "a request that HTTP does not allow");
  else if (*parsed != text_.size())
    refuse(ErrorKind::kBadRequest, "a request that is more than one");
  if (!parsed && fault_) fault_->detail = parsed.error().detail;
  if (tunnel && parsed && !head.wants_upgrade) refuse(ErrorKind::kBadRequest, "a protocol that is not passed on");
  // What goes through a tunnel has a pace of its own.
  if (tunnel) least_rate_ = 0;
  head.headers.remove(FieldId::kTransferEncoding);
}

}  // namespace rpx::http
