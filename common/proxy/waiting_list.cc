#include "proxy/waiting_list.h"

#include "proxy/connection.h"

namespace rpx::proxy {

void WaitingList::add(ClientConnection& connection) noexcept {
  if (connection.waits.list == this) return;
  leave(connection);
  connection.waits = {.list = this, .since = connection.worker.loop().now(), .next = nullptr, .prev = last_};
  (last_ ? last_->waits.next : first_) = &connection;
  last_ = &connection;
}

void WaitingList::leave(ClientConnection& connection) noexcept {
  WaitingList* list = connection.waits.list;
  if (!list) return;
  ClientConnection* next = connection.waits.next;
  ClientConnection* prev = connection.waits.prev;
  (prev ? prev->waits.next : list->first_) = next;
  (next ? next->waits.prev : list->last_) = prev;
  connection.waits = {};
}

}  // namespace rpx::proxy
