// HTTP/1 bodies on both ends of a stream for unit tests: a reader with its buffers, and their wire form. On the
// test's own thread.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "http/h1_body.h"

namespace rpx::test {

/// A body reader and all it borrows.
struct BodyEnd {
  explicit BodyEnd(Side side) : reader(side, input, ahead) {}
  net::InputBuffer input;
  net::InputBuffer ahead;
  http::Limits limits;
  http::H1BodyReader reader;
  /// Bytes beyond the body's end, wherever they were kept.
  std::string excess() const { return std::string(input.view()) + std::string(ahead.view()); }
};

/// Reads `source` to its end.
inline rt::Task<Status> collect(http::BodySource& source, std::string& into, std::size_t most = 64 * 1024) {
  for (;;) {
    const Result<http::BodyPiece> piece = source.try_read(most);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->blocked) {
      Status waited = co_await source.wait(std::chrono::seconds(5));
      if (!waited) co_return waited;
      continue;
    }
    into += piece->data;
    if (piece->end) co_return Status{};
  }
}

/// `payload` in chunks of `size` bytes, with the last chunk and `trailers` (each with its CRLF).
inline std::string chunked(std::string_view payload, std::size_t size, std::string_view trailers = {}) {
  std::string out;
  for (std::size_t at = 0; at < payload.size(); at += size) {
    const std::string_view part = payload.substr(at, size);
    out += fmt::format("{:x}\r\n{}\r\n", part.size(), part);
  }
  return out + "0\r\n" + std::string(trailers) + "\r\n";
}

}  // namespace rpx::test
