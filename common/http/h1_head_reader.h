// Reads heads off a stream into an InputBuffer, without parsing again what a slow peer drips in. One thread.
#pragma once

#include "net/buffer.h"
#include "net/stream.h"

namespace rpx::http {

/// What a read found.
enum class HeadRead : std::uint8_t { kMore, kBlocked, kEnd, kError };

class H1HeadReader {
 public:
  /// Begins a head; bytes may be in the buffer already.
  void begin() noexcept { looked_ = tried_ = 0; }
  /// Reads once what is there. `error` gets errno with kError.
  HeadRead read(net::Stream& stream, net::InputBuffer& input, int& error);
  /// Whether a parse is worth its time: the head may be complete, or has doubled since the last one.
  bool worth_parsing(std::string_view bytes) noexcept;

 private:
  std::size_t looked_ = 0;  // bytes searched for the end of the head
  std::size_t tried_ = 0;   // bytes there when a parse was last tried
};

}  // namespace rpx::http
