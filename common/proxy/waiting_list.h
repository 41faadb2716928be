// WaitingList: the connections of a worker that are in one state, in the order in which they came into it. What can be
// closed with the least harm when there is no room is found at its front. One thread; connections are in one list at
// most.
#pragma once

namespace rpx::proxy {

struct ClientConnection;

class WaitingList {
 public:
  WaitingList() = default;
  WaitingList(const WaitingList&) = delete;
  WaitingList& operator=(const WaitingList&) = delete;

  /// Puts it at the end; nothing if it is in here already.
  void add(ClientConnection& connection) noexcept;
  /// Null when the list is empty.
  ClientConnection* oldest() const noexcept { return first_; }

  /// Takes it out of the list that it is in, if any.
  static void leave(ClientConnection& connection) noexcept;

 private:
  ClientConnection* first_ = nullptr;
  ClientConnection* last_ = nullptr;
};

}  // namespace rpx::proxy
