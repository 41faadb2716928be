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
  std::string host;  ///< with the port where it is not the scheme's own
  std::string key;
  std::string_view why;    ///< why the origin is asked, in the words of RFC 9211; empty when it is not
  bool collapsed = false;  ///< has waited for another's fill

  cache::Store& store() const noexcept { return *rule.store; }
  WallTime now() const noexcept { return connection.worker.wall_now(); }
};

/// Reads what the rules look at and makes the key. Before the route sends anything.
Visit make_visit(ClientConnection& connection, Busy& busy, const Route& route);
/// The key of another URL of the same host.
std::string key_of(const Visit& visit, std::string_view path, std::string_view query);

/// Takes out of a request what asks for less than the object: conditions and ranges.
void drop_conditions(http::Headers& request);

/// The part of a leader in a fill: ends it as failed when nobody has ended it before.
class Lead {
 public:
  Lead(cache::Store& store, std::shared_ptr<cache::Flight> flight) noexcept
      : store_(&store), flight_(std::move(flight)) {}
  Lead(Lead&& other) noexcept : store_(other.store_), flight_(std::move(other.flight_)) {}
  Lead& operator=(Lead&&) = delete;
  ~Lead() { end(cache::Flight::End::kFailed); }
  explicit operator bool() const noexcept { return static_cast<bool>(flight_); }
  bool spoiled() const noexcept { return flight_->spoiled(); }
  void end(cache::Flight::End how) {
    if (const auto flight = std::exchange(flight_, nullptr)) store_->end(flight, how);
  }

 private:
  cache::Store* store_;
  std::shared_ptr<cache::Flight> flight_;
};

/// A reply's body on its way to the client, kept for the store as well. Whole, it becomes an entry; too large, it is
/// let go.
class Fill final : public http::BodySource {
 public:
  /// `lead` may have ended: then nothing is kept.
  Fill(Visit& visit, Lead& lead) noexcept : visit_(visit), lead_(lead) {}
  /// Judges the reply that busy.call holds, asked for at `asked`; what has been read of its body is taken. Says whether
  /// it is being stored, and begins to be what the body is read through then.
  bool begin(WallTime asked);
  const cache::EntryPtr& entry() const noexcept { return entry_; }
  /// Reads the rest without passing it on. Errors as the body's.
  rt::Task<Status> finish(Duration stall);

  Result<http::BodyPiece> try_read(std::size_t most) override;
  rt::Task<Status> wait(Duration stall) override { return visit_.busy.call.reader().wait(stall); }
  const http::Headers* trailers() const noexcept override { return visit_.busy.call.reader().trailers(); }
  bool ended() const noexcept override { return visit_.busy.call.reader().ended(); }
  rt::Loop& loop() noexcept override { return visit_.connection.worker.loop(); }
  std::uint64_t received() const noexcept override { return visit_.busy.call.reader().received(); }

 private:
  void take(const http::BodyPiece& piece);
  void complete();
  bool take_part(cache::NewEntry& made);
  Visit& visit_;
  Lead& lead_;
  bool active_ = false;
  cache::Verdict verdict_;
  cache::Times times_;
  http::Headers fields_;
  std::string body_;
  std::vector<cache::VaryField> vary_;
  cache::EntryPtr entry_;
};

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
