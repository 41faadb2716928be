#include "command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "cli/exit_code.h"

namespace rpx::serve {

namespace {

// Our environment and `more`, without what was said to us alone.
std::vector<std::string> child_environment(const std::vector<std::pair<std::string, std::string>>& more) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (!text.starts_with("LISTEN_") && !text.starts_with("RPX_URL")) out.emplace_back(text);
  }
  for (const auto& [name, value] : more) out.push_back(fmt::format("{}={}", name, value));
  return out;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// Between fork and exec of a process with threads: nothing that allocates or locks.
[[noreturn]] void become_command(char* const* words, char* const* environment, int report_fd, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGXFSZ, SIG_DFL);
  if (::getppid() == parent) ::execvpe(words[0], words, environment);
  const int code = errno;
  [[maybe_unused]] const ssize_t written = ::write(report_fd, &code, sizeof(code));
  ::_exit(kCannotStart);
}

}  // namespace

Result<Command> Command::start(const std::vector<std::string>& words,
                               const std::vector<std::pair<std::string, std::string>>& environment) {
  std::vector<std::string> word_texts = words;
  std::vector<std::string> variable_texts = child_environment(environment);
  const std::vector<char*> word_pointers = pointers_to(word_texts);
  const std::vector<char*> variable_pointers = pointers_to(variable_texts);
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) return self_error(ErrorKind::kInternal, errno_text("pipe2", errno));
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become_command(word_pointers.data(), variable_pointers.data(), report[1], parent);
  const int fork_code = errno;
  ::close(report[1]);
  // The pipe ends without a word when exec closes it: that is success.
  int code = 0;
  const bool failed = pid > 0 && ::read(report[0], &code, sizeof(code)) == static_cast<ssize_t>(sizeof(code));
  ::close(report[0]);
  if (pid < 0) return self_error(ErrorKind::kInternal, errno_text("fork", fork_code));
  Command command(pid);
  if (failed)
    return self_error(ErrorKind::kUsage, fmt::format("cannot run {}: {}", words.front(), errno_text("exec", code)));
  return command;
}

Command::Command(Command&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), status_(std::exchange(other.status_, std::nullopt)) {}

Command::~Command() {
  if (pid_ < 0 || status_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Command::send(int signal) const {
  if (!status_) ::kill(pid_, signal);
}

std::optional<int> Command::poll() {
  int status = 0;
  if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    status_ = WIFSIGNALED(status) ? cli::exit_code_of_signal(WTERMSIG(status)) : WEXITSTATUS(status);
  }
  return status_;
}

}  // namespace rpx::serve
