#include "cli/terminal.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace rpx::cli {

namespace {

int first_error = 0;  // of the main thread

bool write_all(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// So that the shell sees what it would have seen without anyone ignoring the signal.
[[noreturn]] void end_by_sigpipe() noexcept {
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, SIGPIPE);
  ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  ::raise(SIGPIPE);
  ::_exit(128 + SIGPIPE);
}

}  // namespace

bool stdout_is_terminal() noexcept { return ::isatty(STDOUT_FILENO) == 1; }
bool stderr_is_terminal() noexcept { return ::isatty(STDERR_FILENO) == 1; }

bool use_color(ColorWhen when, bool is_terminal) noexcept {
  if (when != ColorWhen::kAuto) return when == ColorWhen::kAlways;
  const char* no_color = std::getenv("NO_COLOR");
  if (!is_terminal || (no_color != nullptr && *no_color != '\0')) return false;
  const char* term = std::getenv("TERM");
  return term == nullptr || std::string_view(term) != "dumb";
}

void write_stdout(std::string_view text) {
  if (write_all(STDOUT_FILENO, text)) return;
  if (errno == EPIPE) end_by_sigpipe();
  if (first_error == 0) first_error = errno;
}

int stdout_error() noexcept { return first_error; }

void write_stderr(std::string_view text) noexcept { write_all(STDERR_FILENO, text); }

Progress::Progress(bool wanted) noexcept : enabled_(wanted && stderr_is_terminal()) {}

void Progress::show(std::string_view text) {
  if (!enabled_) return;
  write_stderr(std::string("\r").append(text).append("\x1b[K"));
  shown_ = true;
}

void Progress::clear() {
  if (shown_) write_stderr("\r\x1b[K");
  shown_ = false;
}

}  // namespace rpx::cli
