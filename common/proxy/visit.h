// Visit: one request's dealings with the cache of its route, and what serves both those of clients (cached.cc) and the
// refreshes of stale objects (refresh.cc). On the worker's thread.
#pragma once

#include <optional>
#include <string>

#include "proxy/connection.h"
#include "proxy/site.h"

namespace rpx::proxy {

struct Visit {
  ClientConnection& connection;
  Busy& busy;
  const Route& route;
  const cache::Rule& rule;
  cache::RequestFacts facts;
  std::string_view host;  ///< with the port where it is not the scheme's own; of the exchange
  std::string key;
  std::string_view why;    ///< why the origin is asked, in the words of RFC 9211; empty when it is not
  bool collapsed = false;  ///< has waited for another's fill

  cache::Store& store() const noexcept { return *rule.store; }
  WallTime now() const noexcept { return connection.worker.wall_now(); }
};

/// Reads what the rules look at and makes the key. Before the route sends anything.
Visit make_visit(ClientConnection& connection, Busy& busy, const Route& route);
/// What an entry for the request is made from, but for the reply's fields and body.
cache::NewEntry new_entry(const Visit& visit, std::uint16_t status, cache::Times times);
/// A message without Date gets the time at which it was received (RFC 9110 section 6.6.1).
void add_date(http::Headers& fields, Arena& arena, WallTime received);
/// A URL of the same host, as people write it.
std::string url_at(const Visit& visit, std::string_view path, std::string_view query);
/// The key of another URL of the same host.
std::string key_of(const Visit& visit, std::string_view path, std::string_view query);

/// Takes out of a request what asks for less than the object: conditions and ranges.
void drop_conditions(http::Headers& request);

/// What came of asking the origin.
struct Asked {
  WallTime at;
  Status status;           ///< as forward()'s; when fine, busy.call holds a head
  bool confirmed = false;  ///< a 304 to our own validators
};
/// Forwards the request; with `stored` (may be null) as a validation of it. `whole`: conditions and ranges of the
/// client's are left out, so that what comes can be stored.
rt::Task<Asked> ask_origin(Visit& visit, const cache::Entry* stored, bool whole);

/// The entry that `update`, fields of a 304 or of the reply to a HEAD, makes of `stored`, which it takes the place of
/// where it may be stored.
cache::EntryPtr renewed(Visit& visit, const cache::Entry& stored, http::Headers update, WallTime asked);

/// The entry that a 304 has updated, in the store in place of `stored`; null when the update forbids storing. Gives the
/// connection to the server back.
cache::EntryPtr take_update(Visit& visit, const cache::Entry& stored, WallTime asked);

}  // namespace rpx::proxy
