// Fields that tell servers who a client is. They are ours alone: what a client sends under their names goes. One
// thread.
#pragma once

#include <string_view>

#include "base/arena.h"
#include "http/message.h"

namespace rpx::proxy {

struct Busy;
struct ClientConnection;

/// The value of the one Authorization field; empty where there are several, which servers would read each in its own
/// way.
std::string_view authorization_of(const http::RequestHead& request) noexcept;
/// Counts a request whose client did not prove who it is.
void note_unauthorized(ClientConnection& connection, Busy& busy);

/// Takes out of `request` every field called `name`, with '-' and '_' alike, since some servers cannot tell them apart;
/// and from its Connection field the name, which would keep ours from being passed on.
void drop_claim(http::RequestHead& request, std::string_view name, Arena& arena);
/// Adds a field of ours. `name` outlives the request; `value` is copied.
void add_claim(http::RequestHead& request, std::string_view name, std::string_view value, Arena& arena);

}  // namespace rpx::proxy
