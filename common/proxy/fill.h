// Fill: a reply of the origin on its way into the store. Called by cached.cc and refresh.cc; on the worker's thread.
#pragma once

#include <optional>
#include <string>

#include "proxy/visit.h"

namespace rpx::proxy {

/// How long a key whose replies were not stored is not waited for.
inline constexpr Duration kPassTime = std::chrono::seconds(10);
inline constexpr cache::Reason kTooLarge{"its body is over max_object", "cache.max_object"};

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
  const std::shared_ptr<cache::Flight>& flight() const noexcept { return flight_; }
  void end(cache::Flight::End how) {
    if (const auto flight = std::exchange(flight_, nullptr)) store_->end(flight, how);
  }

 private:
  cache::Store* store_;
  std::shared_ptr<cache::Flight> flight_;
};

/// A reply's body on its way to the client, kept for the store as well. Whole, it becomes an entry; too large, it is
/// let go. Others who want the same read along, from its first byte.
class Fill final : public FilledBody {
 public:
  /// `lead` may have ended: then nothing is kept.
  Fill(Visit& visit, Lead& lead) noexcept : visit_(visit), lead_(lead) {}
  ~Fill() override { visit_.busy.pump.cancel(); }
  Fill(const Fill&) = delete;
  Fill& operator=(const Fill&) = delete;
  /// Judges the reply that busy.call holds, asked for at `asked`; what has been read of its body is taken. Says whether
  /// it is being stored, and begins to be what the body is read through then.
  bool begin(WallTime asked);
  const cache::EntryPtr& entry() const noexcept { return entry_; }
  /// Reads the rest without passing it on. Errors as the body's.
  rt::Task<Status> finish(Duration stall);
  /// From now on the body is read at the origin's speed, not at that of the client, so that nobody who reads along is
  /// held up. Nothing where it is there already, or is not for others. Before the reply's head is sent.
  Status run_ahead(Duration stall);
  /// Once the client has been served, or has gone: reads the rest for those who read along.
  rt::Task<void> see_through();
  /// The same for a client whose exchange ends here and now: goes on beside the connections.
  void hand_over() override;

  Result<http::BodyPiece> try_read(std::size_t most) override;
  rt::Task<Status> wait(Duration stall) override;
  const http::Headers* trailers() const noexcept override { return visit_.busy.call.reader().trailers(); }
  bool ended() const noexcept override { return ahead_ ? at_end_ : visit_.busy.call.reader().ended(); }
  rt::Loop& loop() noexcept override { return visit_.connection.worker.loop(); }
  std::uint64_t received() const noexcept override { return ahead_ ? at_ : visit_.busy.call.reader().received(); }

 private:
  void take(const http::BodyPiece& piece);
  void complete();
  void give_up(const cache::Reason& why);
  bool take_part(cache::NewEntry& made);
  std::size_t size() const noexcept { return flight_ ? flight_->size() : body_.size(); }
  rt::Task<Status> pump(Duration stall);

  Visit& visit_;
  Lead& lead_;
  bool active_ = false;
  cache::Verdict verdict_;
  cache::Times times_;
  http::Headers fields_;
  std::string body_;  // where nobody reads along
  std::vector<cache::VaryField> vary_;
  cache::EntryPtr entry_;
  std::shared_ptr<cache::Flight> flight_;  // open: it has the body
  bool ahead_ = false;                     // the body is read by pump(), and from the flight
  bool let_go_ = false;                    // too large: the rest is read from the origin again
  std::size_t at_ = 0;                     // how much has been read from the flight
  bool at_end_ = false;
  std::shared_ptr<const std::string> held_;  // what the last piece is in
};

}  // namespace rpx::proxy
