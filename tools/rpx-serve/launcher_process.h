// What runs in the launcher's process. It has the rights that the proxy was started with, and does only what these
// packets ask for, as the proxy may have fallen into strange hands since:
//   control PATH                          here is the control socket; the first of these holds
//   forget                                the listeners that have come so far are of no use
//   listener ADDRESS UNLINK_PATH + fds    goes to the next that is begun
//   begin + fd                            start the program, which has `fd` to speak with: its process id, or -errno
//   rename                                the control socket of the one begun, PATH.new, becomes PATH: 0 or -errno
//   leave                                 the one begun stays whatever happens
//   kill                                  the one begun ends, if it was not left: 0 once it has
//
// begin, rename and kill are answered with an std::int32_t. When the proxy ends, one that was not left is killed too.
// The program finds in RPX_HANDOVER "FD\tPATH\n" and then "ADDRESS\tUNLINK_PATH\tFD,FD\n" for each listener.
#pragma once

#include <optional>

namespace rpx::serve {

inline constexpr const char* kHandoverVariable = "RPX_HANDOVER";

/// Serves the proxy at the other end of `socket` until that ends. `activated` is count_inherited() of the proxy.
[[noreturn]] void run_launcher(int socket, std::optional<int> activated);

}  // namespace rpx::serve
