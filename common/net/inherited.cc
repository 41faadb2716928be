#include "net/inherited.h"

#include <unistd.h>

#include <algorithm>
#include <mutex>

namespace rpx::net {
namespace {

struct Held {
  std::mutex mutex;
  std::vector<InheritedSockets> sockets;
  bool settled = true;
};

Held& held() {
  static Held here;
  return here;
}

}  // namespace

void inherit_sockets(std::vector<InheritedSockets> sockets) {
  const std::scoped_lock lock(held().mutex);
  held().sockets = std::move(sockets);
  held().settled = false;
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

void settle_inherited_sockets() {
  const std::scoped_lock lock(held().mutex);
  for (const InheritedSockets& one : held().sockets)
    if (!one.unlink_path.empty()) ::unlink(one.unlink_path.c_str());
  held().sockets.clear();
  held().settled = true;
}

bool is_still_inheriting() {
  const std::scoped_lock lock(held().mutex);
  return !held().settled;
}

}  // namespace rpx::net
