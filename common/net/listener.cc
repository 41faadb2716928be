#include "net/listener.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "base/result.h"
#include "base/text.h"
#include "net/inherited.h"

namespace rpx::net {
namespace {

constexpr int kBacklog = 4096;
// A connection is handed over when its first bytes are there, which saves a wake-up and a vain read.
constexpr int kDeferSeconds = 5;
// Of what is not yet on its way the kernel holds no more for a connection: those who read slowly, or not at all, would
// have it hold a whole reply each, until it runs short of memory for everybody. Enough for any who take it.
constexpr int kUnsentBytes = 128 * 1024;

std::unexpected<Error> cannot_listen(std::string_view address, std::string_view call, int code) {
  std::string why = "cannot listen on " + std::string(address) + ": " + errno_text(call, code);
  if (code == EADDRINUSE) why += "; is another server running there?";
  if (code == EACCES) why += "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
  return self_error(ErrorKind::kIo, std::move(why));
}

Result<Address> bound_address(int fd, std::string_view address) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0)
    return cannot_listen(address, "getsockname", errno);
  return Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage), length);
}

// What accepted connections inherit, which saves a call for each of them.
void set_for_accepted(int fd) noexcept {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentBytes, sizeof kUnsentBytes);
}

Result<UniqueFd> bind_tcp(const sockaddr_storage& where, socklen_t length, std::string_view address, bool share) {
  UniqueFd fd(socket(where.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return cannot_listen(address, "socket", errno);
  const int on = 1;
  const int off = 0;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (share) setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (where.ss_family == AF_INET6) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  set_for_accepted(fd.get());
  setsockopt(fd.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &kDeferSeconds, sizeof kDeferSeconds);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), length) != 0)
    return cannot_listen(address, "bind", errno);
  return fd;
}

Result<Listener> listen_tcp_at(sockaddr_storage where, socklen_t length, std::string_view address, std::size_t count) {
  Listener out;
  const bool share = count > 1;
  if (share) {
    // Sharing a port would let a second instance of us take half the connections unnoticed: whoever is there
    // already shows in a bind that does not share.
    RPX_TRY(UniqueFd probe, bind_tcp(where, length, address, false));
  }
  for (std::size_t i = 0; i < count; ++i) {
    RPX_TRY(UniqueFd fd, bind_tcp(where, length, address, share));
    if (listen(fd.get(), kBacklog) != 0) return cannot_listen(address, "listen", errno);
    if (i == 0) {
      RPX_TRY(out.bound, bound_address(fd.get(), address));
      // Port 0: the kernel has picked one; the other workers join it.
      length = out.bound.to_sockaddr(where);
      if (where.ss_family == AF_INET && address.front() == ':') {
        auto& v6 = reinterpret_cast<sockaddr_in6&>(where);
        v6 = {};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(out.bound.port);
        length = sizeof v6;
      }
    }
    out.sockets.push_back(std::move(fd));
  }
  return out;
}

Result<Listener> listen_any(std::uint16_t port, std::string_view address, std::size_t count) {
  sockaddr_storage where{};
  auto& v6 = reinterpret_cast<sockaddr_in6&>(where);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  Result<Listener> both = listen_tcp_at(where, sizeof v6, address, count);
  if (both) return both;
  const UniqueFd probe(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (probe) return both;
  // A machine without IPv6.
  where = {};
  auto& v4 = reinterpret_cast<sockaddr_in&>(where);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  return listen_tcp_at(where, sizeof v4, "0.0.0.0", count);
}

Result<Listener> listen_host(const std::string& host, const std::string& port, std::string_view address,
                             std::size_t count) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int failed = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); failed != 0)
    return self_error(ErrorKind::kConfig,
                      "cannot listen on " + std::string(address) + ": " + std::string(gai_strerror(failed)));
  sockaddr_storage where{};
  const socklen_t length = found->ai_addrlen;
  std::memcpy(&where, found->ai_addr, length);
  freeaddrinfo(found);
  return listen_tcp_at(where, length, address, count);
}

// Whether somebody accepts connections on a Unix socket.
bool is_alive(const sockaddr_storage& where, socklen_t length) {
  const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return fd && (connect(fd.get(), reinterpret_cast<const sockaddr*>(&where), length) == 0 || errno == EAGAIN);
}

Result<Listener> listen_unix(std::string_view path, std::string_view address) {
  Listener out;
  out.bound.path = std::string(path);
  sockaddr_storage where{};
  const socklen_t length = out.bound.to_sockaddr(where);
  if (length == 0) return cannot_listen(address, "path", ENAMETOOLONG);
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return cannot_listen(address, "socket", errno);
  int failed = bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), length) == 0 ? 0 : errno;
  if (failed == EADDRINUSE && path.front() != '@') {
    struct stat info{};
    const bool is_socket = lstat(out.bound.path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
    if (is_socket && !is_alive(where, length) && unlink(out.bound.path.c_str()) == 0)
      failed = bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), length) == 0 ? 0 : errno;
  }
  if (failed != 0) return cannot_listen(address, "bind", failed);
  if (path.front() != '@') out.unlink_path = out.bound.path;
  if (listen(fd.get(), kBacklog) != 0) return cannot_listen(address, "listen", errno);
  out.sockets.push_back(std::move(fd));
  return out;
}

// The descriptor "fd:3" or "fd:web" means: a number, or a name the service manager gave (sd_listen_fds_with_names(3)).
Result<int> inherited_number(std::string_view name, std::string_view address) {
  if (const auto number = parse_uint(name)) return static_cast<int>(*number);
  const char* names = std::getenv("LISTEN_FDNAMES");
  int fd = 3;
  if (names)
    for (const std::string_view one : split(names, ':')) {
      if (one == name) return fd;
      ++fd;
    }
  return self_error(ErrorKind::kConfig, "cannot listen on " + std::string(address) +
                                            ": no inherited socket has that name (LISTEN_FDNAMES)");
}

Result<Listener> listen_inherited(std::string_view name, std::string_view address) {
  RPX_TRY(const int number, inherited_number(name, address));
  // A duplicate, so that a reload may open the same address again.
  UniqueFd fd(fcntl(number, F_DUPFD_CLOEXEC, 3));
  if (!fd) return cannot_listen(address, "inherited descriptor", errno);
  int listening = 0;
  socklen_t size = sizeof listening;
  if (getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0)
    return cannot_listen(address, "inherited descriptor", errno);
  if (!listening && listen(fd.get(), kBacklog) != 0) return cannot_listen(address, "listen", errno);
  fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
  Listener out;
  RPX_TRY(out.bound, bound_address(fd.get(), address));
  if (!out.bound.is_unix()) set_for_accepted(fd.get());
  out.sockets.push_back(std::move(fd));
  return out;
}

// What the process before this one listened with. Where it had a socket a worker and there are more workers now, the
// others join these.
Result<Listener> listen_as_before(InheritedSockets before, std::size_t count) {
  Listener out;
  RPX_TRY(out.bound, bound_address(before.sockets.front().get(), before.address));
  out.unlink_path = std::move(before.unlink_path);
  out.sockets = std::move(before.sockets);
  out.inherited = true;
  out.wait_for_bytes(true);
  sockaddr_storage where{};
  socklen_t length = sizeof where;
  if (getsockname(out.sockets.front().get(), reinterpret_cast<sockaddr*>(&where), &length) != 0)
    return cannot_listen(before.address, "getsockname", errno);
  while (out.sockets.size() > 1 && out.sockets.size() < count) {
    RPX_TRY(UniqueFd fd, bind_tcp(where, length, before.address, true));
    if (listen(fd.get(), kBacklog) != 0) return cannot_listen(before.address, "listen", errno);
    out.sockets.push_back(std::move(fd));
  }
  return out;
}

}  // namespace

Listener::~Listener() {
  if (!unlink_path.empty() && !(inherited && is_still_inheriting())) unlink(unlink_path.c_str());
}

void Listener::wait_for_bytes(bool on) const noexcept {
  if (bound.is_unix()) return;
  const int seconds = on ? kDeferSeconds : 0;
  for (const UniqueFd& fd : sockets) setsockopt(fd.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
}

Result<Listener> listen_on(std::string_view address, std::size_t sockets) {
  if (InheritedSockets before = take_inherited_sockets(address); !before.sockets.empty())
    return listen_as_before(std::move(before), sockets);
  if (address.starts_with("unix:")) return listen_unix(address.substr(5), address);
  if (address.starts_with("fd:")) return listen_inherited(address.substr(3), address);
  const std::size_t colon = address.rfind(':');
  const auto port = colon == std::string_view::npos ? std::nullopt : parse_uint(address.substr(colon + 1));
  if (!port || *port > 65535)
    return self_error(ErrorKind::kConfig, "cannot listen on " + std::string(address) + ": expected host:port");
  std::string_view host = address.substr(0, colon);
  if (host.empty() || host == "*")
    return listen_any(static_cast<std::uint16_t>(*port), ":" + std::to_string(*port), sockets);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return listen_host(std::string(host), std::to_string(*port), address, sockets);
}

void lift_unsent_bound(int fd) noexcept {
  const int as_the_system_has_it = 0;
  setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &as_the_system_has_it, sizeof as_the_system_has_it);
}

bool is_reset(int fd) noexcept {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error != 0;
}

}  // namespace rpx::net
