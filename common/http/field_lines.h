// Field lines from bytes to Headers, for heads and trailer sections alike. Called by h1_parse and h1_chunked; pure.
#pragma once

#include <string_view>

#include "http/headers.h"
#include "http/limits.h"

namespace rpx::http {

struct FieldLines {
  std::size_t end = 0;          ///< where the empty line ends; 0 = more bytes are needed
  const char* fault = nullptr;  ///< why the lines were refused; null when they were not
  bool too_large = false;       ///< the fault is one of size
  bool has_odd_names = false;   ///< some name holds other bytes than letters, digits and '-'
};

/// Reads the field lines that begin at `at`, up to and with the empty line, and adds them to `out`.
/// `bytes` counts from the start of the head, for limits.header_bytes. Refuses what RFC 9112 section 5 does not allow
/// as early as the first such byte: bare CR or LF, folded lines, whitespace before a colon, control bytes.
FieldLines read_field_lines(std::string_view bytes, std::size_t at, const Limits& limits, Headers& out);

/// Whether `name` differs only by punctuation from a field that frames a message, names its client or ends at a hop:
/// X_Forwarded_For, Transfer.Encoding. Servers that hand fields on as variables cannot tell these apart.
bool looks_like_known_field(std::string_view name) noexcept;

}  // namespace rpx::http
