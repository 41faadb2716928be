// GrowingBody: the body of a reply that another request is fetching, read as it comes. One thread; the other may be on
// another.
#pragma once

#include "cache/flight.h"
#include "http/body.h"

namespace rpx::proxy {

class GrowingBody final : public http::BodySource {
 public:
  /// Of an open flight.
  GrowingBody(std::shared_ptr<cache::Flight> flight, rt::Loop& loop)
      : flight_(std::move(flight)), reader_(flight_), loop_(loop) {}

  Result<http::BodyPiece> try_read(std::size_t most) override {
    cache::Flight::Piece piece = flight_->read(at_, most);
    if (piece.failed)
      return std::unexpected(
          Error{ErrorKind::kResponseTruncated, Side::kUpstream, "the fill that this reply was read from has ended"});
    held_ = std::move(piece.held);
    at_ += piece.data.size();
    ended_ = piece.end;
    return http::BodyPiece{.data = piece.data, .end = piece.end, .blocked = piece.data.empty() && !piece.end};
  }
  /// How long the server may take is for the one who fills to say.
  rt::Task<Status> wait(Duration) override {
    co_await flight_->wait_beyond(at_, loop_, Instant::max());
    co_return Status{};
  }
  const http::Headers* trailers() const noexcept override { return nullptr; }
  bool ended() const noexcept override { return ended_; }
  rt::Loop& loop() noexcept override { return loop_; }
  std::uint64_t received() const noexcept override { return at_; }

 private:
  std::shared_ptr<cache::Flight> flight_;
  cache::Flight::Reader reader_;
  rt::Loop& loop_;
  std::size_t at_ = 0;
  bool ended_ = false;
  std::shared_ptr<const std::string> held_;  // what the last piece is in
};

}  // namespace rpx::proxy
