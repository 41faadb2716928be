// Flight: a reply on its way into the store, and the requests that wait for it, on any worker. One request leads and
// ends it, by its destructor at the latest; the others are told on their own loops. Once its head is there they read
// its body as it comes, each at its own speed, out of the memory that the store is going to keep.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cache/entry.h"
#include "rt/event.h"
#include "rt/loop.h"
#include "rt/task.h"

namespace rpx::cache {

class Flight : public std::enable_shared_from_this<Flight> {
 public:
  enum class End : std::uint8_t {
    kUnderWay,
    kOpened,   ///< no end yet: its head is there, its body may be read
    kStored,   ///< look again
    kNothing,  ///< what came is not for others: ask yourself
    kFailed    ///< the leader is gone: one of the others leads
  };

  /// `part`: the Range it is the answer to; empty for whole objects.
  explicit Flight(std::string key, std::string part = {}) : key_(std::move(key)), part_(std::move(part)) {}
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;

  const std::string& key() const noexcept { return key_; }
  const std::string& part() const noexcept { return part_; }
  /// Ends it, once, and wakes who waits. Any thread.
  void finish(End end);
  /// What comes is out of date before it is there: it is not stored.
  void spoil() noexcept;
  bool spoiled() const noexcept;
  /// It has ended, though whoever leads may not have told its store yet.
  bool is_over() const noexcept;
  /// Waits on `loop`, the caller's own, until it has ended or is open, or until `deadline`: then kUnderWay.
  rt::Task<End> wait(rt::Loop& loop, Instant deadline);

  /// The leader's part: says what is coming, of how many bytes where that is known. `head` has no body. Once.
  void open(EntryPtr head, std::optional<std::uint64_t> length);
  /// The next bytes of the body.
  void append(std::string_view data);
  /// The body is whole: readers see its end. What may be stored.
  std::shared_ptr<const std::string> close();
  /// Bytes so far.
  std::size_t size() const noexcept;
  /// Ends it as failed where nobody reads along, so that nobody comes to any more. Says whether it is over.
  bool end_unread();

  /// The readers' part, of an open flight.
  const EntryPtr& head() const noexcept { return head_; }
  std::optional<std::uint64_t> length() const noexcept { return length_; }
  struct Piece {
    std::string_view data;                    ///< as long as `held` is
    std::shared_ptr<const std::string> held;  ///< the memory that it is in
    bool end = false;                         ///< nothing comes after it
    bool failed = false;                      ///< nor ever will, and it is not whole
  };
  /// What is there from `at` on, at most `most` bytes; nothing yet: neither data nor end.
  Piece read(std::size_t at, std::size_t most) const;
  /// Waits on `loop` until there is more than `at` bytes, or an end; false at `deadline`.
  rt::Task<bool> wait_beyond(std::size_t at, rt::Loop& loop, Instant deadline);
  /// Counted among the readers for as long as it lives.
  class Reader {
   public:
    explicit Reader(std::shared_ptr<Flight> flight);
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

   private:
    std::shared_ptr<Flight> flight_;
  };

 private:
  struct Waiting {
    rt::Loop* loop;
    rt::Event* event;  // null once nobody waits any more; touched on the loop's thread alone
  };
  class Place;
  void wake();

  const std::string key_;
  const std::string part_;
  mutable std::mutex mutex_;
  End end_ = End::kUnderWay;
  bool spoiled_ = false;
  EntryPtr head_;                        // set once, under the lock
  std::optional<std::uint64_t> length_;  // set with it
  std::shared_ptr<std::string> block_;   // readers look at bytes that do not change any more
  bool whole_ = false;
  std::size_t readers_ = 0;
  std::vector<std::shared_ptr<Waiting>> waiting_;
};

}  // namespace rpx::cache
