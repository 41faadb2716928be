#include "control/paging.h"

#include <fmt/format.h>

#include "base/result.h"
#include "base/text.h"

namespace rpx::control {

namespace {

constexpr std::size_t kMaxCursor = std::size_t{1} << 31;

Result<std::size_t> parse_number(std::string_view name, std::string_view text, std::size_t lowest,
                                 std::size_t highest) {
  const auto number = parse_uint(text);
  if (number && *number >= lowest && *number <= highest) return *number;
  return self_error(ErrorKind::kBadRequest,
                    fmt::format("{} \"{}\" is no number from {} to {}", name, text, lowest, highest));
}

}  // namespace

Result<Page> parse_page(const Request& request) {
  Page page;
  for (const auto& [name, value] : request.query) {
    if (name == "limit") {
      RPX_TRY(page.limit, parse_number("limit", value, 1, kMaxPage));
    } else if (name == "cursor") {
      RPX_TRY(page.begin, parse_number("cursor", value, 0, kMaxCursor));
    }
  }
  return page;
}

}  // namespace rpx::control
