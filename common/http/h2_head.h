// H2HeadText: the fields of a request's head as they come, before there is a request. A connection of HTTP/2 has one at
// a time: the frames of a head follow each other without others in between (RFC 9113 section 6.10). One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace rpx::http {

struct H2HeadText {
  std::string method, path, authority, protocol, host, cookies, fields;
  std::string text;  // of all of them, in the words of HTTP/1
  std::uint32_t field_count = 0;
  bool has_length = false;

  /// Empty; memory beyond the usual is freed.
  void clear() noexcept;
  /// An empty one, lent by the thread: warm where heads come whole, and a connection between heads holds none.
  static std::unique_ptr<H2HeadText> borrow();
  static void give_back(std::unique_ptr<H2HeadText> used) noexcept;
};

}  // namespace rpx::http
