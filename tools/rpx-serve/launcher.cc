#include "launcher.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "base/result.h"
#include "launcher_process.h"
#include "packet.h"
#include "process.h"

namespace rpx::serve {

namespace {

constexpr int kLookMs = 50;

struct Ends {
  net::UniqueFd near;
  net::UniqueFd far;
};

Result<Ends> make_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return self_error(ErrorKind::kInternal, errno_text("socketpair", errno));
  return Ends{.near = net::UniqueFd(ends[0]), .far = net::UniqueFd(ends[1])};
}

std::unexpected<Error> launcher_ended() {
  return self_error(ErrorKind::kInternal, "the launcher of new versions has ended; restart instead");
}

std::unexpected<Error> successor_ended() {
  return self_error(ErrorKind::kUsage, "the new process has ended before it served; its own messages say why");
}

// Why nothing has begun, of the launcher's answer.
std::unexpected<Error> not_begun(int code) {
  if (code == EMFILE)
    return self_error(ErrorKind::kUsage,
                      "the launcher of new versions may not have as many descriptors as there are listening sockets; "
                      "raise the hard limit of open files (ulimit -Hn)");
  return self_error(ErrorKind::kUsage, errno_text("the new process cannot be run: exec", code));
}

}  // namespace

Status Successor::await(Duration patience, const std::function<bool()>& is_over) {
  const Instant until = deadline_after(std::chrono::steady_clock::now(), patience);
  for (;;) {
    pollfd watched{.fd = channel_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&watched, 1, kLookMs) > 0) {
      const auto said = receive_packet(channel_.get());
      if (!said || said->words.front() != "serves") return successor_ended();
      has_control_ = said->words.back() == "control";
      return {};
    }
    if (is_over()) return self_error(ErrorKind::kDraining, "the proxy is stopping; the new process has been ended");
    if (std::chrono::steady_clock::now() >= until)
      return self_error(ErrorKind::kUsage,
                        fmt::format("the new process did not serve within {}", format_duration(patience)));
  }
}

Status Successor::go_on() {
  // It says no more: what can be read is its end.
  pollfd watched{.fd = channel_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&watched, 1, 0) != 0) return successor_ended();
  if (has_control_) {
    RPX_TRY(const std::int32_t code, launcher_->ask("rename"));
    if (code < 0)
      return self_error(ErrorKind::kUsage, errno_text("the new process' control socket gets no name: rename", -code));
  }
  RPX_TRY_VOID(launcher_->tell({"leave"}));
  if (!send_packet(channel_.get(), {"go on"})) return successor_ended();
  channel_.reset();
  return {};
}

Successor::~Successor() {
  if (!channel_) return;
  channel_.reset();
  // Where the launcher has gone, the end of the channel has to do.
  [[maybe_unused]] const auto ended = launcher_->ask("kill");
}

Result<std::unique_ptr<Launcher>> Launcher::start() {
  RPX_TRY(Ends ends, make_pair());
  const auto activated = count_inherited();
  const pid_t pid = ::fork();
  if (pid < 0) return self_error(ErrorKind::kInternal, errno_text("fork", errno));
  if (pid == 0) {
    ends.near.reset();
    run_launcher(ends.far.get(), activated);
  }
  return std::unique_ptr<Launcher>(new Launcher(pid, std::move(ends.near)));
}

Launcher::~Launcher() {
  socket_.reset();
  ::waitpid(pid_, nullptr, 0);
}

Status Launcher::tell(const std::vector<std::string_view>& words, const std::vector<int>& descriptors) {
  if (!send_packet(socket_.get(), words, descriptors)) return launcher_ended();
  return {};
}

Result<std::int32_t> Launcher::ask(std::string_view verb, const std::vector<int>& descriptors) {
  RPX_TRY_VOID(tell({verb}, descriptors));
  std::int32_t answer = 0;
  ssize_t got = 0;
  do got = ::recv(socket_.get(), &answer, sizeof(answer), 0);
  while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof(answer))) return launcher_ended();
  return answer;
}

void Launcher::set_control(const std::string& path) {
  // One that does not fit cannot be taken over; the new process says that somebody lives there.
  const std::vector<std::string_view> words{"control", path};
  [[maybe_unused]] const Status told = tell(fits(words, 0) ? words : std::vector<std::string_view>{"control", ""});
}

Result<Successor> Launcher::launch(const std::vector<net::InheritedSockets>& sockets, Duration patience,
                                   const std::function<bool()>& is_over) {
  for (const net::InheritedSockets& one : sockets)
    if (!fits({"listener", one.address, one.unlink_path}, one.sockets.size()))
      return self_error(ErrorKind::kUsage,
                        fmt::format("{} cannot be handed over: too many sockets ({}, of {} at most), or a name that is "
                                    "too long or has tabs",
                                    one.address, one.sockets.size(), kMostDescriptors));
  RPX_TRY(Ends ends, make_pair());
  // What an attempt that failed has left there.
  RPX_TRY_VOID(tell({"forget"}));
  for (const net::InheritedSockets& one : sockets) {
    std::vector<int> numbers;
    for (const net::UniqueFd& fd : one.sockets) numbers.push_back(fd.get());
    RPX_TRY_VOID(tell({"listener", one.address, one.unlink_path}, numbers));
  }
  RPX_TRY(const std::int32_t pid, ask("begin", {ends.far.get()}));
  if (pid < 0) return not_begun(-pid);
  ends.far.reset();
  Successor successor(*this, std::move(ends.near), pid);
  RPX_TRY_VOID(successor.await(patience, is_over));
  return successor;
}

}  // namespace rpx::serve
