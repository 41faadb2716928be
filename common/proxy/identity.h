// Fields that tell servers who a client is. They are ours alone: what a client sends under their names goes. One
// thread.
#pragma once

#include <string_view>

#include "base/arena.h"
#include "http/message.h"

namespace rpx::proxy {

/// Takes out of `request` every field called `name`, with '-' and '_' alike, since some servers cannot tell them apart;
/// and from its Connection field the name, which would keep ours from being passed on.
void drop_claim(http::RequestHead& request, std::string_view name, Arena& arena);
/// Adds a field of ours. `name` outlives the request; `value` is copied.
void add_claim(http::RequestHead& request, std::string_view name, std::string_view value, Arena& arena);

}  // namespace rpx::proxy
