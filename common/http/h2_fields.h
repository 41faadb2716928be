// Fields as HTTP/2 has them: names in lower case, and nothing about the connection (RFC 9113 section 8.2). Any thread.
#pragma once

#include <nghttp2/nghttp2.h>

#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/recycled.h"
#include "http/headers.h"

namespace rpx::http {

/// A block of fields for nghttp2, which copies what it is given but for names that are always there. Of a moment: its
/// memory is lent by the thread.
class H2Block {
 public:
  H2Block() noexcept { Spare::lend(fields_); }
  ~H2Block() { Spare::give(fields_); }
  H2Block(const H2Block&) = delete;
  H2Block& operator=(const H2Block&) = delete;
  /// `name` is a literal in lower case; `value` outlives the block.
  template <std::size_t Size>
  void add(const char (&name)[Size], std::string_view value) {
    push({name, Size - 1}, value, NGHTTP2_NV_FLAG_NO_COPY_NAME);
  }
  /// Any `name` in lower case, which is copied as the value is.
  void add_copy(std::string_view name, std::string_view value) { push(name, value, NGHTTP2_NV_FLAG_NONE); }
  /// The fields of `headers` that may be sent, their names written to `arena`. Returns the bytes they hold.
  std::size_t add_all(const Headers& headers, Arena& arena);
  const nghttp2_nv* data() const noexcept { return fields_.data(); }
  std::size_t size() const noexcept { return fields_.size(); }

 private:
  void push(std::string_view name, std::string_view value, std::uint8_t flags);
  using Spare = Recycled<std::vector<nghttp2_nv>, 4096>;
  std::vector<nghttp2_nv> fields_;
};

/// Whether HTTP/2 has no such field: it is about a connection of HTTP/1.
bool is_of_connection(FieldId id) noexcept;

}  // namespace rpx::http
