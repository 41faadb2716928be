// How a proxy says that it serves, and where: one JSON document on stdout, on a descriptor, in a file; and the same as
// environment variables of a command. Main thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "proxy/views.h"

namespace rpx::serve {

struct Ready {
  std::int64_t pid = 0;
  std::string control;  ///< empty = no control socket
  std::vector<proxy::ListenerView> listeners;
};

/// What a client on this machine asks: "http://127.0.0.1:8080", "https://…" of a TLS listener; a wildcard address
/// becomes localhost. Empty for a Unix socket.
std::string url_of(const proxy::ListenerView& listener);
/// Of the first listener that has one; may be empty.
std::string first_url(const Ready& ready);

/// {"event":"ready","pid","version","listeners":[{"name","address"}],"control","url"} without a line end.
std::string ready_json(const Ready& ready);
/// RPX_URL, RPX_ADDR, RPX_CONTROL, RPX_SOCKET, RPX_PID and RPX_URL_<NAME> for each listener with a URL.
std::vector<std::pair<std::string, std::string>> ready_environment(const Ready& ready);

/// Writes `line` and a line end to `fd`, then closes it. Errors: kIo.
Status write_ready_fd(int fd, const std::string& line);

/// A file that says the same, there only while we serve.
class ReadyFile {
 public:
  ReadyFile() = default;
  ~ReadyFile();
  ReadyFile(const ReadyFile&) = delete;
  ReadyFile& operator=(const ReadyFile&) = delete;
  /// Writes a temporary file beside `path`, syncs and renames it. Errors: kIo.
  Status write(const std::string& path, const std::string& line);
  /// It is another process's now.
  void leave() noexcept { path_.clear(); }

 private:
  std::string path_;
};

}  // namespace rpx::serve
