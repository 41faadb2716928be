#include "net/inherited.h"

#include <algorithm>
#include <mutex>

namespace rpx::net {
namespace {

struct Held {
  std::mutex mutex;
  std::vector<InheritedSockets> sockets;
};

Held& held() {
  static Held here;
  return here;
}

}  // namespace

void inherit_sockets(std::vector<InheritedSockets> sockets) {
  const std::scoped_lock lock(held().mutex);
  held().sockets = std::move(sockets);
}

InheritedSockets take_inherited_sockets(std::string_view address) {
  const std::scoped_lock lock(held().mutex);
  auto& all = held().sockets;
  const auto found = std::ranges::find(all, address, &InheritedSockets::address);
  if (found == all.end()) return {};
  InheritedSockets out = std::move(*found);
  all.erase(found);
  return out;
}

void drop_inherited_sockets() { inherit_sockets({}); }

}  // namespace rpx::net
