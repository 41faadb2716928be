// How the fields of an HTTP/2 request become the one canonical request: they are put into the words of HTTP/1 and read
// by its parser, so that whatever it refuses is refused here too. Beside h2_stream.cc.
#include <algorithm>

#include "base/result.h"
#include "base/text.h"
#include "http/chars.h"
#include "http/h1_parse.h"
#include "http/h2_head.h"
#include "http/h2_session.h"
#include "http/h2_stream.h"

namespace rpx::http {
namespace {

// A text that is kept for the next head is not larger.
constexpr std::size_t kKeptText = 4096;

std::unique_ptr<H2HeadText>& spare_head() noexcept {
  static thread_local std::unique_ptr<H2HeadText> instance;
  return instance;
}

bool is_token(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return look_up(kToken, c) != 0; });
}

}  // namespace

void H2HeadText::clear() noexcept {
  for (std::string* part : {&method, &path, &authority, &protocol, &host, &cookies, &fields, &text}) {
    part->clear();
    if (part->capacity() > kKeptText) part->shrink_to_fit();
  }
  field_count = 0;
  has_length = false;
}

std::unique_ptr<H2HeadText> H2HeadText::borrow() {
  return spare_head() ? std::move(spare_head()) : std::make_unique<H2HeadText>();
}

void H2HeadText::give_back(std::unique_ptr<H2HeadText> used) noexcept {
  if (!used) return;
  used->clear();
  spare_head() = std::move(used);
}

void H2Stream::refuse(ErrorKind kind, const char* why) {
  if (!fault_) fault_ = Error{kind, Side::kClient, why};
}

void H2Stream::take_field(std::string_view name, std::string_view value) {
  const Limits& limits = session_->limits_;
  // An HTTP/2 header list counts 32 bytes for each field; a line of HTTP/1 costs four.
  head_bytes_ += name.size() + value.size() + 4;
  if (has_head_) return take_trailer(name, value, limits);
  if (head_bytes_ > limits.header_bytes) return refuse(ErrorKind::kHeaderTooLarge, "head larger than header_bytes");
  H2HeadText& coming = *session_->coming_;
  if (name == ":method") {
    coming.method = value;
  } else if (name == ":path") {
    if (value.size() > limits.uri_bytes) return refuse(ErrorKind::kUriTooLong, "target longer than uri_bytes");
    coming.path = value;
  } else if (name == ":authority") {
    coming.authority = value;
  } else if (name == ":protocol") {
    coming.protocol = value;
  } else if (name.starts_with(':')) {
    return;  // :scheme: what the connection is says more
  } else if (name == "host") {
    if (!coming.host.empty() && coming.host != value) refuse(ErrorKind::kBadRequest, "several Host fields");
    coming.host = value;
  } else if (name == "cookie") {
    // Sent in crumbs, to be one field again (RFC 9113 section 8.2.3).
    if (!coming.cookies.empty()) coming.cookies += "; ";
    coming.cookies += value;
  } else {
    // Counted here, so that not even text is made of a million of them.
    if (++coming.field_count > limits.headers)
      return refuse(ErrorKind::kHeaderTooLarge, "more header lines than headers");
    coming.has_length |= name == "content-length";
    coming.fields.append(name).append(": ").append(value).append("\r\n");
  }
}

// Puts what has come into the words of HTTP/1.
void H2Stream::write_head(H2HeadText& coming, bool end) {
  if (!coming.authority.empty() && !coming.host.empty() && !iequals(coming.authority, coming.host))
    refuse(ErrorKind::kBadRequest, "Host and :authority differ");
  if (coming.method != "CONNECT" && !coming.path.starts_with('/') && coming.path != "*")
    refuse(ErrorKind::kBadRequest, "a :path that does not begin with a slash");
  const std::string& host = coming.authority.empty() ? coming.host : coming.authority;
  if (tunnel_ && (!is_token(coming.protocol) || coming.has_length))
    refuse(ErrorKind::kBadRequest, "a CONNECT that HTTP does not allow");
  std::string& text = coming.text;
  text.append(tunnel_ ? "GET" : coming.method).append(" ").append(coming.path).append(" HTTP/1.1\r\n");
  if (!host.empty()) text.append("host: ").append(host).append("\r\n");
  text += coming.fields;
  if (!coming.cookies.empty()) text.append("cookie: ").append(coming.cookies).append("\r\n");
  if (tunnel_)
    text.append("connection: upgrade\r\nupgrade: ").append(coming.protocol).append("\r\n");
  else if (!end && !coming.has_length)
    text += "transfer-encoding: chunked\r\n";
  text += "\r\n";
}

void H2Stream::complete_head(bool end) {
  has_head_ = true;
  received_all_ = end;
  H2HeadText& coming = *session_->coming_;
  tunnel_ = !coming.protocol.empty();
  write_head(coming, end);
  // The words around the fields are ours, and none of the client's bytes.
  Limits limits = session_->limits_;
  limits.header_bytes += 128;
  limits.headers += 4;
  RequestHead& head = request();
  const std::string_view text = arena().copy(coming.text);
  const auto parsed = parse_request_head(text, limits, arena(), head);
  if (!parsed)
    refuse(parsed.error().kind, "a request that HTTP does not allow");
  else if (*parsed != text.size())
    refuse(ErrorKind::kBadRequest, "a request that is more than one");
  if (!parsed && fault_) fault_->detail = parsed.error().detail;
  if (tunnel_ && parsed && !head.wants_upgrade) refuse(ErrorKind::kBadRequest, "a protocol that is not passed on");
  // What goes through a tunnel has a pace of its own.
  if (tunnel_) least_rate_ = 0;
  head.headers.remove(FieldId::kTransferEncoding);
}

}  // namespace rpx::http
