#include "process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <link.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <vector>

#include "base/result.h"
#include "base/text.h"

namespace rpx::serve {

namespace {

constexpr std::uint64_t kMostInherited = 10'000;

std::optional<std::uint64_t> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? std::nullopt : parse_uint(text);
}

bool is_meant_for_us() {
  const auto pid = number_in("LISTEN_PID");
  return pid && *pid == static_cast<std::uint64_t>(::getpid());
}

std::unexpected<Error> cannot_become(const std::string& name, std::string_view why) {
  return self_error(ErrorKind::kConfig, fmt::format("serve.user \"{}\": {}", name, why));
}

}  // namespace

void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void give_back_code() noexcept {
  // Only what is code and nothing else: other parts of an image hold what the loader has written there.
  const auto give_back = [](dl_phdr_info* image, std::size_t, void*) {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (int i = 0; i < image->dlpi_phnum; ++i) {
      const ElfW(Phdr)& part = image->dlpi_phdr[i];
      if (part.p_type != PT_LOAD || part.p_flags != (PF_R | PF_X)) continue;
      const std::uintptr_t begin = (image->dlpi_addr + part.p_vaddr) & ~(page - 1);
      const std::uintptr_t end = image->dlpi_addr + part.p_vaddr + part.p_filesz;
      ::madvise(std::bit_cast<void*>(begin), end - begin, MADV_DONTNEED);
    }
    return 0;
  };
  ::dl_iterate_phdr(give_back, nullptr);
}

Status die_with_parent(pid_t parent) {
  if (::prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) {
    return self_error(ErrorKind::kInternal, "--die-with-parent: " + errno_text("prctl", errno));
  }
  // It may have ended between our start and the call above, and then no signal ever comes.
  if (::getppid() != parent) return self_error(ErrorKind::kUsage, "--die-with-parent: the parent has ended already");
  return {};
}

std::optional<int> count_inherited() {
  if (!is_meant_for_us()) return std::nullopt;
  const auto count = number_in("LISTEN_FDS").value_or(0);
  return count > kMostInherited ? 0 : static_cast<int>(count);
}

Status take_inherited() {
  const auto count = number_in("LISTEN_FDS");
  const bool ours = is_meant_for_us();
  ::unsetenv("LISTEN_PID");
  ::unsetenv("LISTEN_FDS");
  if (!ours) {
    ::unsetenv("LISTEN_FDNAMES");
    return {};
  }
  if (!count || *count > kMostInherited) {
    return self_error(ErrorKind::kUsage, "LISTEN_FDS is no number of sockets though LISTEN_PID is us");
  }
  for (int fd = kFirstInherited; fd < kFirstInherited + static_cast<int>(*count); ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0) {
      return self_error(ErrorKind::kUsage,
                        fmt::format("LISTEN_FDS promises {} sockets but number {} is not open", *count, fd));
    }
    ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
  }
  return {};
}

Result<std::optional<User>> find_user(const std::string& name) {
  if (name.empty()) return std::nullopt;
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16384);
  const int failed = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (failed != 0) return cannot_become(name, errno_text("getpwnam", failed));
  if (found == nullptr) return cannot_become(name, "there is no such user");
  if (found->pw_uid == ::geteuid()) return std::nullopt;
  if (::geteuid() != 0) return cannot_become(name, "only root may become another user; start as root or leave it out");
  return User{.name = name, .uid = found->pw_uid, .gid = found->pw_gid};
}

Status become(const User& user) {
  if (::initgroups(user.name.c_str(), user.gid) != 0) return cannot_become(user.name, errno_text("initgroups", errno));
  if (::setgid(user.gid) != 0) return cannot_become(user.name, errno_text("setgid", errno));
  if (::setuid(user.uid) != 0) return cannot_become(user.name, errno_text("setuid", errno));
  return {};
}

}  // namespace rpx::serve
