// What a running proxy gives up, so that whoever takes it over gains little: [serve] sandbox. Files are written only
// where the configuration has some (Landlock, where the kernel has it), no program is started and no system call that
// a proxy has no use for is made (seccomp), no privilege comes back (no_new_privs), no core with keys is left behind.
// Main thread: the first half before there are other threads, the second once everything is bound.
#pragma once

#include <string>
#include <vector>

#include "proxy/options.h"

namespace rpx::serve {

class Sandbox {
 public:
  /// The folders that `options` write to, their links resolved, and `more` besides (files or folders; empty ones are
  /// left out).
  static std::vector<std::string> writable_of(const proxy::SiteOptions& options, const std::vector<std::string>& more);

  /// Confines this thread, and all it starts, to writing below `folders`. A kernel without Landlock is not an error.
  static Sandbox begin(std::vector<std::string> folders);
  /// For a proxy that runs without: everything may be written.
  static Sandbox none() { return {}; }
  /// All threads give up the rest. What the kernel does not have is logged.
  void finish() const;

  /// The first of `folders` that may not be written to; empty when all may.
  std::string outside(const std::vector<std::string>& folders) const;

 private:
  std::vector<std::string> folders_;
  bool confines_ = false;
  bool wanted_ = false;
};

}  // namespace rpx::serve
