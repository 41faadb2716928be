// What a proxy asks of the kernel for its own process: limits, privileges, inherited sockets, the life of its parent.
// Main thread, at start.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/error.h"

namespace rpx::serve {

/// Raises the limit of open files as far as it may go.
void raise_file_limit();

/// Lets go of the pages of code that are in memory now: most of them only the start has run, and those that are needed
/// again come back from the page cache. Halves what an idle proxy is said to take.
void give_back_code() noexcept;

/// Asks for SIGTERM when the process that started us ends. Errors: kUsage when it has ended already.
Status die_with_parent(pid_t parent);

/// The first descriptor that sd_listen_fds(3) passes.
inline constexpr int kFirstInherited = 3;
/// How many sockets a service manager has passed to this very process (LISTEN_PID), 0 where LISTEN_FDS is no number;
/// nullopt when it means another one or nobody. Before take_inherited().
std::optional<int> count_inherited();

/// Socket activation, as sd_listen_fds(3) says: checks that the sockets are meant for us, keeps them from children and
/// takes the variables that count them out of the environment; LISTEN_FDNAMES stays, listeners are named by it.
/// Errors: kUsage when the variables make no sense.
Status take_inherited();

struct User {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};
/// nullopt when `name` is empty or who we are already. Errors: kConfig when there is no such user or we may not become
/// it.
Result<std::optional<User>> find_user(const std::string& name);
/// Becomes `user`, groups included, for good. Errors: kConfig.
Status become(const User& user);

}  // namespace rpx::serve
