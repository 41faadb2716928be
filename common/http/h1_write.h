// HTTP/1 heads from values to bytes. Pure; any thread.
#pragma once

#include <string>

#include "http/message.h"

namespace rpx::http {

/// Appends "METHOD path?query HTTP/1.1", the fields in order, and the empty line.
void write_request_head(std::string& out, std::string_view method, std::string_view path, std::string_view query,
                        const Headers& headers);
/// Appends "HTTP/1.1 status reason", the fields in order, and the empty line. An empty reason becomes the registered
/// one.
void write_response_head(std::string& out, std::uint16_t status, std::string_view reason, const Headers& headers);
/// Appends "SIZE-IN-HEX CRLF".
void write_chunk_size(std::string& out, std::uint64_t size);
/// Appends the last chunk, the trailer fields and the empty line.
void write_last_chunk(std::string& out, const Headers& trailers);

}  // namespace rpx::http
