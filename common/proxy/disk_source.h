// DiskSource: bytes of a stored body as they are read from the disk, off the loop: one piece is being sent while the
// next one is read, and no more than these are in memory. Destroyed at any time, it lets go of what is under way. On
// the worker's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cache/disk_body.h"
#include "cache/disk_format.h"
#include "cache/disk_store.h"
#include "http/body.h"
#include "proxy/worker.h"
#include "rt/child.h"

namespace rpx::proxy {

class DiskSource final : public http::BodySource {
 public:
  /// A text of our own, then bytes of the body; either may be empty.
  struct Span {
    std::string text;
    std::uint64_t first = 0;
    std::uint64_t size = 0;
  };

  /// The spans are within the body. Nothing is read before the first try_read() or wait(). `worker` outlives it.
  DiskSource(Worker& worker, std::shared_ptr<cache::DiskStore> disk, std::shared_ptr<const cache::DiskBody> body,
             std::vector<Span> spans);

  /// Of all spans.
  std::uint64_t size() const noexcept { return size_; }
  /// Reads the first piece, and waits for it, so that a fault there is known before anything is said. Errors: as
  /// try_read().
  rt::Task<Status> begin();

  /// Errors: kIo, kBadResponse; the store knows by then, and has the object no more.
  Result<http::BodyPiece> try_read(std::size_t most) override;
  /// However long the disk takes.
  rt::Task<Status> wait(Duration stall) override;
  const http::Headers* trailers() const noexcept override { return nullptr; }
  bool ended() const noexcept override { return at_ == size_; }
  rt::Loop& loop() noexcept override { return worker_.loop(); }
  std::uint64_t received() const noexcept override { return at_; }

 private:
  struct Piece {
    std::uint64_t number = 0;
    std::string bytes;
  };
  std::uint64_t wanted() const noexcept { return (spans_[span_].first + in_span_) / cache::kDiskPiece; }
  std::optional<std::uint64_t> after() const noexcept;
  void start(std::uint64_t number) { loading_.start(load(number)); }
  rt::Task<Status> load(std::uint64_t number);

  Worker& worker_;
  std::shared_ptr<cache::DiskStore> disk_;
  std::shared_ptr<const cache::DiskBody> body_;
  std::vector<Span> spans_;
  std::size_t span_ = 0;  // the one that is being sent, and how much of it has been
  std::size_t in_text_ = 0;
  std::uint64_t in_span_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t at_ = 0;
  std::optional<Piece> held_;   // the one that is being sent
  std::optional<Piece> ahead_;  // the one after it
  rt::Child<Status> loading_;   // of that
};

}  // namespace rpx::proxy
