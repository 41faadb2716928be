#include "tls/key_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>

#include "base/log.h"

namespace rpx::tls {
namespace {

struct KeyLog {
  std::mutex mutex;
  std::string path;
  int fd = -1;
};

// Lives as long as the process: connections write to it to their end.
KeyLog& key_log() {
  static KeyLog log;
  return log;
}

void on_secret(const SSL*, const char* line) {
  char end = '\n';
  // One call a line, and the file is appended to: lines of several threads do not mix.
  const iovec pieces[] = {{const_cast<char*>(line), std::strlen(line)}, {&end, 1}};
  [[maybe_unused]] const ssize_t written = writev(key_log().fd, pieces, 2);
}

}  // namespace

Status log_keys(SSL_CTX* context, const std::string& path) {
  KeyLog& log = key_log();
  const std::scoped_lock lock(log.mutex);
  if (log.path != path) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return self_error(ErrorKind::kConfig, fmt::format("key log {}: {}", path, errno_text("open", errno)));
    if (log.fd >= 0) close(log.fd);
    log.fd = fd;
    log.path = path;
    log_event(LogLevel::kWarning,
              "THE SECRETS OF ALL TLS CONNECTIONS ARE WRITTEN DOWN: whoever has this file reads what clients send",
              {{"key_log", path}});
  }
  SSL_CTX_set_keylog_callback(context, on_secret);
  return {};
}

}  // namespace rpx::tls
