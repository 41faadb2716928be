#include "launcher_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "packet.h"
#include "process.h"

namespace rpx::serve {

namespace {

// A process that is told to end removes the files it has made; it need not finish what it has begun. Less than the
// control API waits for its answers when the proxy ends (control/server.cc): whoever asked is to hear of it.
constexpr Duration kEndPatience = std::chrono::seconds(1);
constexpr int kEndLookMs = 10;

// What this process was started with.
std::vector<std::string> own_words() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::vector<std::string> out;
  for (const std::string_view word : split(all, '\0')) out.emplace_back(word);
  if (!out.empty() && out.back().empty()) out.pop_back();
  return out;
}

// Those who wait for the end of what the proxy was started with must not wait for this process.
void close_others(int keep, int activated) {
  const auto first = static_cast<unsigned>(kFirstInherited + activated);
  const auto kept = static_cast<unsigned>(keep);
  if (kept > first) ::close_range(first, kept - 1, 0);
  ::close_range(std::max(first, kept + 1), ~0U, 0);
}

class LauncherProcess {
 public:
  LauncherProcess(int socket, std::optional<int> activated)
      : socket_(socket), activated_(activated), words_(own_words()) {
    ::getrlimit(RLIMIT_NOFILE, &limit_);
    raise_file_limit();
  }

  void serve();

 private:
  // The answer that the proxy waits for, where there is one.
  std::optional<std::int32_t> obey(Packet packet);
  void keep(Packet listener);
  std::int32_t begin(const Packet& packet);
  std::int32_t start(int tell);
  [[noreturn]] void become_successor(int tell, int report);
  std::string handover(int tell) const;
  void forget();
  void reap();
  std::int32_t rename() const;
  std::int32_t end_begun();
  std::string aside() const { return control_->empty() ? "" : *control_ + ".new"; }

  const int socket_;
  const std::optional<int> activated_;
  std::vector<std::string> words_;
  rlimit limit_{};  ///< as the proxy was started with
  std::optional<std::string> control_;
  std::vector<Packet> listeners_;
  int lost_ = 0;        ///< an errno: one of the listeners has not come whole
  bool begun_ = false;  ///< and neither left nor ended
  pid_t child_ = 0;     ///< of the one begun; 0 when it has ended by itself
};

// In a child of this process.
void LauncherProcess::become_successor(int tell, int report) {
  ::setenv(kHandoverVariable, handover(tell).c_str(), 1);
  // Sockets that a service manager passed on are where they were, for whoever has this process id.
  if (activated_) ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  ::setrlimit(RLIMIT_NOFILE, &limit_);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGXFSZ, SIG_DFL);
  std::vector<char*> pointers;
  for (std::string& word : words_) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execvp(pointers[0], pointers.data());
  const int code = errno;
  [[maybe_unused]] const ssize_t written = ::write(report, &code, sizeof(code));
  ::_exit(127);
}

// Lets the descriptors survive exec, too.
std::string LauncherProcess::handover(int tell) const {
  ::fcntl(tell, F_SETFD, 0);
  std::string out = fmt::format("{}\t{}\n", tell, control_.value_or(""));
  for (const Packet& listener : listeners_) {
    std::vector<int> numbers;
    for (const net::UniqueFd& fd : listener.descriptors) {
      ::fcntl(fd.get(), F_SETFD, 0);
      numbers.push_back(fd.get());
    }
    out += fmt::format("{}\t{}\t{}\n", listener.words[1], listener.words[2], fmt::join(numbers, ","));
  }
  return out;
}

// The process id, or an errno below zero.
std::int32_t LauncherProcess::start(int tell) {
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) return -errno;
  const pid_t pid = ::fork();
  if (pid == 0) become_successor(tell, report[1]);
  const int fork_code = errno;
  ::close(report[1]);
  // The pipe ends without a word when exec closes it: that is success.
  int code = 0;
  ssize_t got = 0;
  do got = pid > 0 ? ::read(report[0], &code, sizeof(code)) : 0;
  while (got < 0 && errno == EINTR);
  ::close(report[0]);
  if (pid < 0) return -fork_code;
  const bool failed = got == static_cast<ssize_t>(sizeof(code));
  if (failed) ::waitpid(pid, nullptr, 0);
  return failed ? -code : pid;
}

void LauncherProcess::forget() {
  listeners_.clear();
  lost_ = 0;
}

void LauncherProcess::keep(Packet listener) {
  if (listener.words.size() != 3) listener.lost = EINVAL;
  if (listener.lost != 0)
    lost_ = listener.lost;
  else
    listeners_.push_back(std::move(listener));
}

std::int32_t LauncherProcess::begin(const Packet& packet) {
  if (packet.lost != 0) lost_ = packet.lost;
  std::int32_t answer = -EINVAL;
  if (lost_ != 0)
    answer = -lost_;
  else if (!begun_ && packet.descriptors.size() == 1 && !words_.empty())
    answer = start(packet.descriptors.front().get());
  forget();
  if (answer > 0) {
    begun_ = true;
    child_ = answer;
  }
  return answer;
}

// Those who have ended; the number of one of them may be somebody else's afterwards.
void LauncherProcess::reap() {
  for (pid_t pid = 0; (pid = ::waitpid(-1, nullptr, WNOHANG)) > 0;)
    if (pid == child_) child_ = 0;
}

std::int32_t LauncherProcess::end_begun() {
  if (!std::exchange(begun_, false)) return 0;
  const Instant until = std::chrono::steady_clock::now() + kEndPatience;
  if (child_ != 0) ::kill(child_, SIGTERM);
  for (reap(); child_ != 0; reap()) {
    if (std::chrono::steady_clock::now() >= until) ::kill(child_, SIGKILL);
    ::poll(nullptr, 0, kEndLookMs);
  }
  // Of one that had no time to clear up.
  if (control_ && !control_->empty()) ::unlink(aside().c_str());
  return 0;
}

std::int32_t LauncherProcess::rename() const {
  if (!begun_ || !control_ || control_->empty()) return -EINVAL;
  return std::rename(aside().c_str(), control_->c_str()) == 0 ? 0 : -errno;
}

std::optional<std::int32_t> LauncherProcess::obey(Packet packet) {
  const std::string verb = packet.words.front();
  if (verb == "begin") return begin(packet);
  if (verb == "rename") return rename();
  if (verb == "kill") return end_begun();
  if (verb == "leave") begun_ = false;
  if (verb == "forget") forget();
  if (verb == "control" && packet.words.size() == 2 && !control_) control_ = packet.words[1];
  if (verb == "listener") keep(std::move(packet));
  return std::nullopt;
}

void LauncherProcess::serve() {
  while (auto packet = receive_packet(socket_)) {
    reap();
    const auto answer = obey(*std::move(packet));
    if (answer && ::send(socket_, &*answer, sizeof(*answer), MSG_NOSIGNAL) < 0) break;
  }
  end_begun();
}

}  // namespace

void run_launcher(int socket, std::optional<int> activated) {
  ::prctl(PR_SET_NAME, "rpx-launcher");
  close_others(socket, activated.value_or(0));
  LauncherProcess(socket, activated).serve();
  ::_exit(0);
}

}  // namespace rpx::serve
