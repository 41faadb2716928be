#include "http/h1_head_reader.h"

#include <algorithm>

namespace rpx::http {

HeadRead H1HeadReader::read(net::Stream& stream, net::InputBuffer& input, int& error) {
  if (!stream.io().may_read()) return HeadRead::kBlocked;
  if (input.room().empty()) input.reserve(1);
  const net::IoResult got = stream.try_read(input.room());
  switch (got.state) {
    case net::IoState::kDone: input.filled(got.bytes); return HeadRead::kMore;
    case net::IoState::kWouldBlock: return HeadRead::kBlocked;
    case net::IoState::kEnd: return HeadRead::kEnd;
    case net::IoState::kError: error = got.error; return HeadRead::kError;
  }
  return HeadRead::kError;
}

// An attacker who sends a large head byte by byte would otherwise have it parsed once a byte.
bool H1HeadReader::worth_parsing(std::string_view bytes) noexcept {
  if (bytes.size() <= looked_) return false;
  // Nearly every head comes whole: the first look parses, and only what is incomplete then is searched.
  if (tried_ == 0) {
    tried_ = looked_ = bytes.size();
    return true;
  }
  const std::string_view fresh = bytes.substr(looked_ - std::min<std::size_t>(looked_, 3));
  const bool may_end = fresh.find("\n\r\n") != std::string_view::npos || fresh.find("\n\n") != std::string_view::npos;
  looked_ = bytes.size();
  if (!may_end && bytes.size() < 2 * tried_) return false;
  tried_ = bytes.size();
  return true;
}

}  // namespace rpx::http
