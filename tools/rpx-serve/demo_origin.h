// A small HTTP server inside the process for `demo` to stand a proxy in front of. Threads of its own; made and stopped
// on the main thread.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"

namespace rpx::serve {

class DemoOrigin {
 public:
  /// Serves on a free port of 127.0.0.1 and answers every request with its `name`. Errors: kIo.
  static Result<std::unique_ptr<DemoOrigin>> start(const std::string& name);
  ~DemoOrigin();
  DemoOrigin(const DemoOrigin&) = delete;
  DemoOrigin& operator=(const DemoOrigin&) = delete;

  /// "http://127.0.0.1:41234"
  const std::string& url() const noexcept;
  /// Closes its port and connections: from now on it refuses.
  void stop();

 private:
  struct Parts;
  explicit DemoOrigin(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace rpx::serve
