#include "sandbox.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>

#include "base/error.h"
#include "base/log.h"

namespace rpx::serve {

namespace {

namespace fs = std::filesystem;

// The leak checker of a sanitizer build looks at its own process from outside.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;  // the filter is left out
#endif

// x86-64 has a second set of numbers for the same calls.
constexpr std::uint32_t kX32 = 0x40000000;

// What changes files; reading and running are left as they are. The last two came with later versions.
constexpr std::uint64_t kWrites = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                  LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                  LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                  LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                  LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
constexpr std::uint64_t kRefer = std::uint64_t{1} << 13;     // of version 2
constexpr std::uint64_t kTruncate = std::uint64_t{1} << 14;  // of version 3

// Calls that a proxy has no use for and that those who break in have.
constexpr std::uint32_t kDenied[] = {
    __NR_execve,
    __NR_execveat,
    __NR_ptrace,
    __NR_process_vm_readv,
    __NR_process_vm_writev,
    __NR_kcmp,
    __NR_mount,
    __NR_umount2,
    __NR_pivot_root,
    __NR_chroot,
    __NR_move_mount,
    __NR_open_tree,
    __NR_fsopen,
    __NR_fsmount,
    __NR_fsconfig,
    __NR_fspick,
    __NR_unshare,
    __NR_setns,
    __NR_bpf,
    __NR_perf_event_open,
    __NR_add_key,
    __NR_request_key,
    __NR_keyctl,
    __NR_kexec_load,
    __NR_kexec_file_load,
    __NR_init_module,
    __NR_finit_module,
    __NR_delete_module,
    __NR_reboot,
    __NR_swapon,
    __NR_swapoff,
    __NR_acct,
    __NR_quotactl,
    __NR_syslog,
    __NR_sethostname,
    __NR_setdomainname,
    __NR_settimeofday,
    __NR_clock_settime,
    __NR_adjtimex,
    __NR_clock_adjtime,
    __NR_userfaultfd,
    __NR_open_by_handle_at,
    __NR_fanotify_init,
    __NR_io_uring_setup,
    __NR_personality,
    __NR_setuid,
    __NR_setgid,
    __NR_setreuid,
    __NR_setregid,
    __NR_setresuid,
    __NR_setresgid,
    __NR_setgroups,
    __NR_capset,
    __NR_mknodat,
};

void add_folder(std::vector<std::string>& out, const std::string& path) {
  if (path.empty()) return;
  std::error_code failed;
  fs::path folder = fs::weakly_canonical(path, failed);
  if (failed) folder = path;
  // What does not exist yet is made by us, in the nearest folder that does.
  while (!fs::is_directory(folder, failed) && folder.has_relative_path()) folder = folder.parent_path();
  if (!folder.has_filename() && folder.has_relative_path()) folder = folder.parent_path();
  out.push_back(folder.string());
}

// Both without a slash at their ends, but for the root.
bool is_below(const std::string& folder, const std::string& top) {
  return folder == top || folder.starts_with(top.ends_with('/') ? top : top + '/');
}

bool allow_folder(int rules, const std::string& folder, std::uint64_t rights) {
  const int fd = ::open(folder.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0) return false;
  const landlock_path_beneath_attr rule{.allowed_access = rights, .parent_fd = fd};
  const bool added = ::syscall(__NR_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
  ::close(fd);
  return added;
}

bool confine(const std::vector<std::string>& folders) {
  const long version = ::syscall(__NR_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return false;
  const std::uint64_t rights = kWrites | (version >= 2 ? kRefer : 0) | (version >= 3 ? kTruncate : 0);
  const landlock_ruleset_attr attributes{.handled_access_fs = rights};
  const auto rules = static_cast<int>(::syscall(__NR_landlock_create_ruleset, &attributes, sizeof(attributes), 0));
  if (rules < 0) return false;
  bool whole = true;
  for (const std::string& folder : folders) whole &= allow_folder(rules, folder, rights);
  const bool confined = whole && ::syscall(__NR_landlock_restrict_self, rules, 0) == 0;
  ::close(rules);
  return confined;
}

void add_if_path(std::vector<std::string>& out, const std::string& file) {
  if (file.starts_with('/')) add_folder(out, fs::path(file).parent_path().string());
}

sock_filter statement(unsigned code, std::uint32_t value) { return {static_cast<std::uint16_t>(code), 0, 0, value}; }

sock_filter jump(unsigned how, std::uint32_t value, std::size_t if_true, std::size_t if_false) {
  return {static_cast<std::uint16_t>(BPF_JMP | how | BPF_K), static_cast<std::uint8_t>(if_true),
          static_cast<std::uint8_t>(if_false), value};
}

//   architecture ours?  no → deny        a number of the second set?  yes → deny
//   each denied number? yes → deny       else allow
bool filter_calls() {
  if (kArchitecture == 0) return false;
  const std::size_t count = std::size(kDenied);
  std::vector<sock_filter> program{
      statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)), jump(BPF_JEQ, kArchitecture, 0, count + 3),
      statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)), jump(BPF_JGE, kX32, count + 1, 0)};
  for (std::size_t i = 0; i < count; ++i) program.push_back(jump(BPF_JEQ, kDenied[i], count - i, 0));
  program.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  program.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()), .filter = program.data()};
  return ::syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0;
}

}  // namespace

std::vector<std::string> Sandbox::writable_of(const proxy::SiteOptions& options, const std::vector<std::string>& more) {
  std::vector<std::string> out;
  for (const std::string& one : more) {
    std::error_code failed;
    fs::is_directory(one, failed) ? add_folder(out, one) : add_if_path(out, one);
  }
  for (const std::string& file :
       {options.log.access, options.log.errors, options.serve.control, options.serve.state, options.tls.key_log})
    add_if_path(out, file);
  for (const upstream::UpstreamOptions& upstream : options.upstreams) add_if_path(out, upstream.servers_file);
  for (const std::string& file : options.blocklist.files) {
    std::error_code failed;
    add_if_path(out, file);
    add_if_path(out, fs::weakly_canonical(file, failed).string());
  }
  for (const cache::CacheOptions& cache : options.cache)
    if (cache.disk) add_folder(out, cache.disk->path);
  if (!options.acme.hosts.empty()) add_folder(out, options.acme.store);
  for (const proxy::ListenOptions& listen : options.listen)
    if (listen.address.starts_with("unix:")) add_if_path(out, listen.address.substr(5));
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

Sandbox Sandbox::begin(std::vector<std::string> folders) {
  Sandbox out;
  if (kSanitized) return out;
  out.wanted_ = true;
  // Keys are in memory. With 0 a core would still go to a program that core_pattern(5) names; with 1 none does.
  const rlimit none{.rlim_cur = 1, .rlim_max = 1};
  ::setrlimit(RLIMIT_CORE, &none);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return out;
  out.confines_ = confine(folders);
  out.folders_ = std::move(folders);
  return out;
}

void Sandbox::finish() const {
  if (!wanted_) return;
  if (!confines_) log_event(LogLevel::kInfo, "the kernel has no Landlock: writing is not confined to folders");
  if (!filter_calls())
    log_event(LogLevel::kWarning, "system calls are not filtered", {{"why", errno_text("seccomp", errno)}});
}

std::string Sandbox::outside(const std::vector<std::string>& folders) const {
  if (!confines_) return {};
  for (const std::string& folder : folders)
    if (std::ranges::none_of(folders_, [&](const std::string& top) { return is_below(folder, top); })) return folder;
  return {};
}

}  // namespace rpx::serve
