#include "http/framing.h"

#include "base/text.h"

namespace rpx::http {
namespace {

using enum FieldId;

constexpr std::uint64_t bit_of(FieldId id) noexcept { return 1ULL << static_cast<unsigned>(id); }

/// More options than this have no use, and each is compared with each field when the head is sent on.
constexpr std::uint32_t kMostOptions = 64;
/// A bit for each field that has a say; most have none.
constexpr std::uint64_t kFramingFields =
    bit_of(kHost) | bit_of(kConnection) | bit_of(kContentLength) | bit_of(kTransferEncoding) | bit_of(kExpect);
constexpr std::uint64_t kLongestBody = (1ULL << 63) - 1;

/// Sets what `value` says; returns how many options it holds.
std::uint32_t read_connection(std::string_view value, Framed& out) noexcept {
  std::uint32_t options = 0;
  for (;;) {
    ++options;
    const std::size_t comma = value.find(',');
    const std::string_view option = trim(value.substr(0, comma));
    if (iequals(option, "close"))
      out.close = true;
    else if (iequals(option, "keep-alive"))
      out.keep_alive = true;
    else if (iequals(option, "upgrade"))
      out.upgrade = true;
    if (comma == std::string_view::npos || options > kMostOptions) return options;
    value.remove_prefix(comma + 1);
  }
}

/// A transfer coding that nobody has registered, such as "identity" of old servers: one token, and nothing that could
/// be taken for "chunked", or for a coding that changes bytes.
bool is_foreign_coding(std::string_view value) noexcept {
  if (value.empty()) return false;
  for (const char c : value)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-')) return false;
  for (std::size_t at = 0; at + 5 <= value.size(); ++at)
    if (iequals(value.substr(at, 5), "chunk")) return false;
  for (const std::string_view known : {"gzip", "x-gzip", "deflate", "compress", "x-compress"})
    if (iequals(value, known)) return false;
  return true;
}

}  // namespace

Framed read_framing(const Headers& headers, std::uint8_t minor_version, Message message) noexcept {
  Framed out;
  std::uint32_t options = 0;
  const auto refuse = [&out](const char* fault) {
    out.fault = fault;
    return out;
  };
  for (const Field& field : headers) {
    if ((kFramingFields >> static_cast<unsigned>(field.id) & 1) == 0) continue;
    switch (field.id) {
      case kHost: ++out.hosts; break;
      case kConnection:
        options += read_connection(field.value, out);
        if (options > kMostOptions) return refuse("more than 64 connection options");
        break;
      case kContentLength: {
        if (out.framing == Framing::kChunked || out.framing == Framing::kClose)
          return refuse("Content-Length beside Transfer-Encoding");
        if (out.framing == Framing::kLength) return refuse("several Content-Length fields");
        const auto length = parse_uint(field.value);
        if (!length || *length > kLongestBody) return refuse("Content-Length that is not a length");
        out.framing = Framing::kLength;
        out.content_length = *length;
        break;
      }
      case kTransferEncoding:
        if (out.framing == Framing::kLength) return refuse("Transfer-Encoding beside Content-Length");
        if (out.framing != Framing::kNone) return refuse("several Transfer-Encoding fields");
        if (minor_version == 0) return refuse("Transfer-Encoding in HTTP/1.0");
        if (iequals(field.value, "chunked"))
          out.framing = Framing::kChunked;
        else if (message == Message::kReply && is_foreign_coding(field.value))
          out.framing = Framing::kClose;
        else
          return refuse("Transfer-Encoding other than chunked");
        break;
      case kExpect:
        if (out.expect) return refuse("several Expect fields");
        out.expect = true;
        break;
      default: break;
    }
  }
  return out;
}

}  // namespace rpx::http
