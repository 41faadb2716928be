#include "launcher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "base/result.h"
#include "base/text.h"

namespace rpx::serve {

namespace {

//   proxy → launcher, packets:   "address\tunlink_path\n" with its sockets, one a listener;
//                                "" with the descriptor that the new process tells on that it serves: begin
//   launcher → proxy:            the process id, or an errno below zero
//   launcher → new process:      RPX_HANDOVER = "FD\n" and then "address\tunlink_path\tFD,FD\n" for each listener
constexpr const char* kVariable = "RPX_HANDOVER";
constexpr std::size_t kMostSockets = 250;  // that go in one packet
constexpr std::size_t kMostText = 8192;
constexpr int kFirstGiven = 3;

struct Packet {
  std::string text;
  std::vector<net::UniqueFd> descriptors;
};

bool send_packet(int to, std::string_view text, const std::vector<int>& descriptors) {
  // A packet without a byte would read as the end.
  const std::string whole = fmt::format("{}\n", text);
  iovec data{.iov_base = const_cast<char*>(whole.data()), .iov_len = whole.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMostSockets)> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
    std::memcpy(CMSG_DATA(header), descriptors.data(), sizeof(int) * descriptors.size());
  }
  return ::sendmsg(to, &message, MSG_NOSIGNAL) >= 0;
}

// Nothing at the end of the other side.
std::optional<Packet> receive_packet(int from) {
  std::array<char, kMostText> text;
  iovec data{.iov_base = text.data(), .iov_len = text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMostSockets)> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = 0;
  do got = ::recvmsg(from, &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got <= 0) return std::nullopt;
  Packet out{.text = std::string(text.data(), static_cast<std::size_t>(got) - 1), .descriptors = {}};
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      out.descriptors.emplace_back(fd);
    }
  }
  return out;
}

// What this process was started with.
std::vector<std::string> own_words() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::vector<std::string> out;
  for (const std::string_view word : split(all, '\0')) out.emplace_back(word);
  if (!out.empty() && out.back().empty()) out.pop_back();
  return out;
}

// In a child of the launcher, which has one thread.
[[noreturn]] void become_successor(std::vector<std::string> words, const std::vector<Packet>& listeners, int tell,
                                   int report) {
  ::fcntl(tell, F_SETFD, 0);
  std::string handover = fmt::format("{}\n", tell);
  for (const Packet& listener : listeners) {
    std::vector<int> numbers;
    for (const net::UniqueFd& fd : listener.descriptors) {
      ::fcntl(fd.get(), F_SETFD, 0);
      numbers.push_back(fd.get());
    }
    handover += fmt::format("{}\t{}\n", listener.text, fmt::join(numbers, ","));
  }
  ::setenv(kVariable, handover.c_str(), 1);
  if (std::getenv("LISTEN_PID") != nullptr) ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGXFSZ, SIG_DFL);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execvp(pointers[0], pointers.data());
  const int code = errno;
  [[maybe_unused]] const ssize_t written = ::write(report, &code, sizeof(code));
  ::_exit(127);
}

// The process id, or an errno below zero.
std::int32_t start_successor(const std::vector<std::string>& words, const std::vector<Packet>& listeners, int tell) {
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) return -errno;
  const pid_t pid = ::fork();
  if (pid == 0) become_successor(words, listeners, tell, report[1]);
  const int fork_code = errno;
  ::close(report[1]);
  // The pipe ends without a word when exec closes it: that is success.
  int code = 0;
  const bool failed = pid > 0 && ::read(report[0], &code, sizeof(code)) == static_cast<ssize_t>(sizeof(code));
  ::close(report[0]);
  if (pid < 0) return -fork_code;
  if (failed) ::waitpid(pid, nullptr, 0);
  return failed ? -code : pid;
}

// Those who wait for the end of what the proxy was started with must not wait for this process.
void close_others(int keep) {
  const char* given = std::getenv("LISTEN_FDS");
  const auto count = given == nullptr ? std::nullopt : parse_uint(given);
  const auto first = static_cast<unsigned>(kFirstGiven + static_cast<int>(count.value_or(0)));
  const auto kept = static_cast<unsigned>(keep);
  if (kept > first) ::close_range(first, kept - 1, 0);
  ::close_range(std::max(first, kept + 1), ~0U, 0);
}

[[noreturn]] void run_launcher(int socket) {
  ::prctl(PR_SET_NAME, "rpx-launcher");
  close_others(socket);
  const std::vector<std::string> words = own_words();
  std::vector<Packet> listeners;
  while (auto packet = receive_packet(socket)) {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    if (!packet->text.empty()) {
      listeners.push_back(*std::move(packet));
      continue;
    }
    std::int32_t answer = -EINVAL;
    if (packet->descriptors.size() == 1 && !words.empty())
      answer = start_successor(words, listeners, packet->descriptors.front().get());
    listeners.clear();
    if (::send(socket, &answer, sizeof(answer), MSG_NOSIGNAL) < 0) break;
  }
  ::_exit(0);
}

}  // namespace

Result<std::unique_ptr<Launcher>> Launcher::start() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return self_error(ErrorKind::kInternal, errno_text("socketpair", errno));
  net::UniqueFd ours(ends[0]);
  const net::UniqueFd theirs(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return self_error(ErrorKind::kInternal, errno_text("fork", errno));
  if (pid == 0) {
    ours.reset();
    run_launcher(theirs.get());
  }
  return std::unique_ptr<Launcher>(new Launcher(pid, std::move(ours)));
}

Launcher::~Launcher() {
  socket_.reset();
  ::waitpid(pid_, nullptr, 0);
}

Result<pid_t> Launcher::launch(const std::vector<net::InheritedSockets>& sockets, Duration patience) {
  int tell[2];
  if (::pipe2(tell, O_CLOEXEC) != 0) return self_error(ErrorKind::kInternal, errno_text("pipe2", errno));
  const net::UniqueFd told(tell[0]);
  net::UniqueFd teller(tell[1]);
  for (const net::InheritedSockets& one : sockets) {
    std::vector<int> numbers;
    for (const net::UniqueFd& fd : one.sockets) numbers.push_back(fd.get());
    const std::string text = fmt::format("{}\t{}", one.address, one.unlink_path);
    if (numbers.size() > kMostSockets || text.size() + 1 > kMostText)
      return self_error(ErrorKind::kUsage, fmt::format("{} has too many sockets to hand over", one.address));
    if (!send_packet(socket_.get(), text, numbers))
      return self_error(ErrorKind::kInternal, errno_text("the launcher of new versions: sendmsg", errno));
  }
  std::int32_t pid = 0;
  if (!send_packet(socket_.get(), "", {teller.get()}) ||
      ::recv(socket_.get(), &pid, sizeof(pid), 0) != static_cast<ssize_t>(sizeof(pid)))
    return self_error(ErrorKind::kInternal, "the launcher of new versions has ended; restart instead");
  if (pid < 0) return self_error(ErrorKind::kUsage, errno_text("the new process cannot be run: exec", -pid));
  teller.reset();
  pollfd watched{.fd = told.get(), .events = POLLIN, .revents = 0};
  const auto most = std::chrono::duration_cast<std::chrono::milliseconds>(patience).count();
  const int ready = ::poll(&watched, 1, static_cast<int>(most));
  char word = 0;
  if (ready > 0 && ::read(told.get(), &word, 1) == 1) return pid;
  if (ready > 0)
    return self_error(ErrorKind::kUsage, "the new process has ended before it served; its own messages say why");
  ::kill(pid, SIGKILL);
  return self_error(ErrorKind::kUsage,
                    fmt::format("the new process did not serve within {}", format_duration(patience)));
}

Result<std::unique_ptr<TakeOver>> TakeOver::begin() {
  const char* given = std::getenv(kVariable);
  if (given == nullptr) return nullptr;
  const std::string text(given);
  ::unsetenv(kVariable);
  const auto mine = [](std::string_view number) -> std::optional<net::UniqueFd> {
    const auto fd = parse_uint(number);
    if (!fd || *fd > 1'000'000 || ::fcntl(static_cast<int>(*fd), F_SETFD, FD_CLOEXEC) != 0) return std::nullopt;
    return net::UniqueFd(static_cast<int>(*fd));
  };
  const auto wrong = [] { return self_error(ErrorKind::kUsage, "RPX_HANDOVER is not what rpx-serve upgrade sets"); };
  std::unique_ptr<TakeOver> out;
  std::vector<net::InheritedSockets> sockets;
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty()) continue;
    if (!out) {
      auto tell = mine(line);
      if (!tell) return wrong();
      out.reset(new TakeOver(*std::move(tell)));
      continue;
    }
    const auto parts = split(line, '\t');
    if (parts.size() != 3) return wrong();
    net::InheritedSockets one{.address = std::string(parts[0]), .unlink_path = std::string(parts[1]), .sockets = {}};
    for (const std::string_view number : split(parts[2], ',')) {
      auto fd = mine(number);
      if (!fd) return wrong();
      one.sockets.push_back(*std::move(fd));
    }
    sockets.push_back(std::move(one));
  }
  net::inherit_sockets(std::move(sockets));
  return out;
}

Status TakeOver::finish() {
  net::drop_inherited_sockets();
  const bool told = ::write(tell_.get(), "\n", 1) == 1;
  tell_.reset();
  if (told) return {};
  return self_error(ErrorKind::kUsage, "the process that this one was to take over from waits no more, and goes on");
}

}  // namespace rpx::serve
