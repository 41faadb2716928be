#include "proxy/identity.h"

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "proxy/connection.h"

namespace rpx::proxy {
namespace {

bool reads_the_same(std::string_view one, std::string_view other) noexcept {
  const auto plain = [](char c) { return c == '_' ? '-' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(one, other, {}, plain, plain);
}

}  // namespace

std::string_view authorization_of(const http::RequestHead& request) noexcept {
  const http::Field* found = nullptr;
  for (const http::Field& field : request.headers) {
    if (field.id != http::FieldId::kAuthorization) continue;
    if (found) return {};
    found = &field;
  }
  return found ? found->value : std::string_view();
}

void note_unauthorized(ClientConnection& connection, Busy& busy) {
  busy.trail.refused = "unauthorized";
  connection.worker.counts().unauthorized.add();
}

void drop_claim(http::RequestHead& request, std::string_view name, Arena& arena) {
  std::vector<http::Field>& fields = request.headers.raw();
  std::erase_if(fields, [name](const http::Field& field) { return reads_the_same(field.name, name); });
  for (http::Field& field : fields) {
    if (field.id != http::FieldId::kConnection || !http::list_contains(field.value, name)) continue;
    std::string_view kept;
    for (const std::string_view option : split(field.value, ','))
      if (!iequals(trim(option), name)) kept = kept.empty() ? trim(option) : arena.join(kept, ", ", trim(option));
    field.value = kept;
  }
}

void add_claim(http::RequestHead& request, std::string_view name, std::string_view value, Arena& arena) {
  request.headers.add(name, arena.copy(value));
}

}  // namespace rpx::proxy
