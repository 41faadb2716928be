// Hop 11 of the walk: what the client is told. On the worker's thread.
#pragma once

#include "proxy/connection.h"
#include "proxy/site.h"

namespace rpx::proxy {

/// Passes on the reply that busy.call holds: head, body, trailers; or a tunnel after 101. Errors end in the trail.
rt::Task<void> respond(ClientConnection& connection, Busy& busy, const Route& route);
/// Answers `error` with the route's own page (`route` may be null) or the built-in one.
rt::Task<void> respond_error(ClientConnection& connection, Busy& busy, const Route* route, Error error);
/// Why a request is not let through, apart from errors: what is answered, and the fields that go with it.
struct Refusal {
  std::uint16_t status = 403;
  http::Headers fields;
  const policy::ErrorPages* pages = nullptr;  ///< come before the route's own; of the exchange's site
};
/// Answers `refusal` with the route's own page (`route` may be null) or the built-in one.
rt::Task<void> respond_refusal(ClientConnection& connection, Busy& busy, const Route* route, Refusal refusal);
/// `route` may be null.
rt::Task<void> respond_redirect(ClientConnection& connection, Busy& busy, const Route* route,
                                const policy::Redirect& redirect);
struct Stored;
/// Answers with the fields that busy.out holds and a `body` that outlives the exchange, by the rules of the route.
/// `whole`: what it is the whole body of; null for a part, and for what is not stored.
rt::Task<void> respond_at_hand(ClientConnection& connection, Busy& busy, const Route& route, std::uint16_t status,
                               std::string_view body, const Stored* whole = nullptr);
/// The proof that a name is ours; `proof` lives as long as the exchange.
rt::Task<void> respond_challenge(ClientConnection& connection, Busy& busy, std::string_view proof);
/// A reply whose body another exchange fetches.
struct Growing {
  std::uint16_t status;
  http::BodySource& body;               ///< outlives the exchange
  std::optional<std::uint64_t> length;  ///< of it, where that is known
};
/// Answers with the fields that busy.out holds and a body that comes in pieces, by the rules of the route.
rt::Task<void> respond_as_it_comes(ClientConnection& connection, Busy& busy, const Route& route, Growing reply);
rt::Task<void> respond_fixed(ClientConnection& connection, Busy& busy, const Route& route);

}  // namespace rpx::proxy
