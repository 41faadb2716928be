#include "http/h1_write.h"

#include <array>
#include <charconv>
#include <cstring>

namespace rpx::http {
namespace {

std::size_t size_of(const Headers& headers) noexcept {
  std::size_t size = 2;
  for (const Field& field : headers) size += field.name.size() + field.value.size() + 4;
  return size;
}

/// `out` is grown once for the whole head: appending piece by piece checks and may move at every piece.
class Writer {
 public:
  Writer(std::string& out, std::size_t room) {
    const std::size_t before = out.size();
    // All of it is written over. What the function is told is the capacity, in libstdc++ 12.
    const std::size_t size = before + room;
    out.resize_and_overwrite(size, [size](char*, std::size_t) noexcept { return size; });
    at_ = out.data() + before;
  }
  // Names and values are short: two overlapping moves of one size do for most, without a call.
  void put(std::string_view text) noexcept {
    const char* from = text.data();
    const std::size_t size = text.size();
    if (size > 32)
      std::memcpy(at_, from, size);
    else if (size >= 16)
      ends<16>(from, size);
    else if (size >= 8)
      ends<8>(from, size);
    else if (size >= 4)
      ends<4>(from, size);
    else
      for (std::size_t i = 0; i < size; ++i) at_[i] = from[i];
    at_ += size;
  }
  void put(const Headers& headers) noexcept {
    for (const Field& field : headers) {
      put(field.name);
      put(": ");
      put(field.value);
      put("\r\n");
    }
    put("\r\n");
  }

 private:
  template <std::size_t Width>
  void ends(const char* from, std::size_t size) noexcept {
    std::memcpy(at_, from, Width);
    std::memcpy(at_ + size - Width, from + size - Width, Width);
  }
  char* at_;
};

}  // namespace

void write_request_head(std::string& out, std::string_view method, std::string_view path, std::string_view query,
                        const Headers& headers) {
  constexpr std::string_view kVersion = " HTTP/1.1\r\n";
  Writer writer(out, method.size() + 1 + path.size() + query.size() + kVersion.size() + size_of(headers));
  writer.put(method);
  writer.put(" ");
  writer.put(path);
  writer.put(query);
  writer.put(kVersion);
  writer.put(headers);
}

void write_response_head(std::string& out, std::uint16_t status, std::string_view reason, const Headers& headers) {
  if (reason.empty()) reason = reason_phrase(status);
  const std::array<char, 14> line{'H',
                                  'T',
                                  'T',
                                  'P',
                                  '/',
                                  '1',
                                  '.',
                                  '1',
                                  ' ',
                                  static_cast<char>('0' + status / 100 % 10),
                                  static_cast<char>('0' + status / 10 % 10),
                                  static_cast<char>('0' + status % 10),
                                  ' ',
                                  0};
  Writer writer(out, 13 + reason.size() + 2 + size_of(headers));
  writer.put({line.data(), 13});
  writer.put(reason);
  writer.put("\r\n");
  writer.put(headers);
}

void write_chunk_size(std::string& out, std::uint64_t size) {
  std::array<char, 18> line;
  char* end = std::to_chars(line.data(), line.data() + 16, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(line.data(), end);
}

void write_last_chunk(std::string& out, const Headers& trailers) {
  Writer writer(out, 3 + size_of(trailers));
  writer.put("0\r\n");
  writer.put(trailers);
}

}  // namespace rpx::http
