// What the fuzz targets share. Each target is one file with LLVMFuzzerTestOneInput: libFuzzer calls it, or driver.cc
// with the files of the corpus. A property that does not hold aborts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace rpx::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return size == 0 ? std::string_view{} : std::string_view(reinterpret_cast<const char*>(data), size);
}

/// Whether `text` could end a line early, wherever it is written.
inline bool breaks_lines(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

}  // namespace rpx::fuzz
