#include "take_over.h"

#include <fcntl.h>
#include <signal.h>

#include <cstdlib>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/text.h"
#include "launcher_process.h"
#include "net/inherited.h"
#include "packet.h"

namespace rpx::serve {

namespace {

constexpr std::uint64_t kMostNumber = 1'000'000;

std::optional<net::UniqueFd> descriptor_of(std::string_view number) {
  const auto fd = parse_uint(number);
  if (!fd || *fd > kMostNumber || ::fcntl(static_cast<int>(*fd), F_SETFD, FD_CLOEXEC) != 0) return std::nullopt;
  return net::UniqueFd(static_cast<int>(*fd));
}

std::optional<net::InheritedSockets> sockets_of(std::string_view line) {
  const auto parts = split(line, '\t');
  if (parts.size() != 3) return std::nullopt;
  net::InheritedSockets out{.address = std::string(parts[0]), .unlink_path = std::string(parts[1]), .sockets = {}};
  for (const std::string_view number : split(parts[2], ',')) {
    auto fd = descriptor_of(number);
    if (!fd) return std::nullopt;
    out.sockets.push_back(*std::move(fd));
  }
  return out;
}

// Signals are blocked until somebody looks (signals.h); whoever is about to end must not take over.
bool is_told_to_end() {
  sigset_t waiting;
  sigemptyset(&waiting);
  ::sigpending(&waiting);
  return sigismember(&waiting, SIGTERM) == 1 || sigismember(&waiting, SIGINT) == 1;
}

}  // namespace

Result<std::unique_ptr<TakeOver>> TakeOver::begin() {
  const char* given = std::getenv(kHandoverVariable);
  if (given == nullptr) return nullptr;
  const std::string text(given);
  ::unsetenv(kHandoverVariable);
  const auto wrong = [] { return self_error(ErrorKind::kUsage, "RPX_HANDOVER is not what rpx-serve upgrade sets"); };
  auto lines = split(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  if (lines.empty()) return wrong();
  const auto first = split(lines.front(), '\t');
  auto channel = descriptor_of(first.front());
  if (!channel || first.size() != 2) return wrong();
  std::vector<net::InheritedSockets> sockets;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    auto one = sockets_of(lines[i]);
    if (!one) return wrong();
    sockets.push_back(*std::move(one));
  }
  net::inherit_sockets(std::move(sockets));
  return std::unique_ptr<TakeOver>(new TakeOver(*std::move(channel), std::string(first[1])));
}

Status TakeOver::finish(bool has_control) {
  const auto gone = [] {
    return self_error(ErrorKind::kUsage,
                      "the process that this one was to take over from does not wait for it any more");
  };
  // From here on the other decides: a signal that comes now is for whoever serves.
  if (is_told_to_end()) return self_error(ErrorKind::kUsage, "told to end before it took over");
  std::vector<std::string_view> words{"serves"};
  if (has_control) words.emplace_back("control");
  if (!send_packet(channel_.get(), words)) return gone();
  const auto answer = receive_packet(channel_.get());
  if (!answer || answer->words.front() != "go on") return gone();
  channel_.reset();
  net::settle_inherited_sockets();
  return {};
}

}  // namespace rpx::serve
