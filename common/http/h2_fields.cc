#include "http/h2_fields.h"

#include <algorithm>

namespace rpx::http {

bool is_of_connection(FieldId id) noexcept {
  switch (id) {
    case FieldId::kConnection:
    case FieldId::kTransferEncoding:
    case FieldId::kKeepAlive:
    case FieldId::kProxyConnection:
    case FieldId::kUpgrade: return true;
    default: return false;
  }
}

void H2Block::push(std::string_view name, std::string_view value, std::uint8_t flags) {
  // nghttp2 takes pointers to what it does not change.
  fields_.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                     reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
                     flags});
}

std::size_t H2Block::add_all(const Headers& headers, Arena& arena) {
  std::size_t bytes = 0;
  for (const Field& field : headers) {
    if (is_of_connection(field.id)) continue;
    if (const std::string_view known = lower_name(field.id); !known.empty()) {
      push(known, field.value, NGHTTP2_NV_FLAG_NO_COPY_NAME);
    } else {
      char* name = arena.allocate(field.name.size());
      std::ranges::transform(field.name, name,
                             [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
      add_copy({name, field.name.size()}, field.value);
    }
    bytes += field.name.size() + field.value.size();
  }
  return bytes;
}

}  // namespace rpx::http
