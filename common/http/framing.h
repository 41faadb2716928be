// What the fields of a head say about its body and its connection (RFC 9112 sections 6 and 9.3). Called by h1_parse;
// pure.
#pragma once

#include "http/headers.h"
#include "http/message.h"

namespace rpx::http {

struct Framed {
  const char* fault = nullptr;       ///< why the framing was refused; null when it was not
  Framing framing = Framing::kNone;  ///< kNone: neither Content-Length nor Transfer-Encoding stands
  std::uint64_t content_length = 0;  ///< below 2^63
  std::uint32_t hosts = 0;           ///< Host fields
  bool close = false;                ///< Connection: close
  bool keep_alive = false;           ///< Connection: keep-alive
  bool upgrade = false;              ///< Connection: upgrade
  bool expect = false;               ///< an Expect field

  bool keeps_alive(std::uint8_t minor_version) const noexcept { return !close && (minor_version == 1 || keep_alive); }
};

enum class Message : std::uint8_t { kRequest, kReply };

/// Refuses several or malformed Content-Length fields, any Transfer-Encoding but one "chunked", both together,
/// Transfer-Encoding in HTTP/1.0, several Expect fields, and more than 64 connection options. A reply may have one
/// coding that nobody has registered: kClose, its body is what comes until the server closes (RFC 9112 section 6.3).
Framed read_framing(const Headers& headers, std::uint8_t minor_version, Message message) noexcept;

}  // namespace rpx::http
