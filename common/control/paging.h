// Which part of a list a call asks for: ?limit=&cursor=, and the "items" and "next" of the answer. Pure, any thread.
#pragma once

#include <cstddef>

#include "base/error.h"
#include "control/message.h"

namespace rpx::control {

inline constexpr std::size_t kDefaultPage = 100;
inline constexpr std::size_t kMaxPage = 1000;

struct Page {
  std::size_t begin = 0;
  std::size_t limit = kDefaultPage;  ///< 1–kMaxPage
};

/// Errors: kBadRequest when limit or cursor is no such number.
Result<Page> parse_page(const Request& request);

/// {"items": […], "next": "…"|null} of the part `page` of `items`; `write(json, item)` writes one.
template <class Items, class Write>
Reply page_reply(const Page& page, const Items& items, Write write) {
  const std::size_t begin = std::min(page.begin, items.size());
  const std::size_t end = std::min(begin + page.limit, items.size());
  Json json;
  json.open_object().key("items").open_array();
  for (std::size_t i = begin; i < end; ++i) write(json, items[i]);
  json.close_array().key("next");
  end < items.size() ? json.value(std::to_string(end)) : json.null();
  json.close_object();
  return json_reply(json);
}

}  // namespace rpx::control
