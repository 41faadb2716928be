// ca trust: makes clients trust an authority of our own, where it is told to.
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/x509v3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "base/result.h"
#include "cli/terminal.h"
#include "tls/certificate.h"
#include "verbs.h"
#include "writing.h"

namespace rpx::cert {
namespace {

namespace fs = std::filesystem;

// Where Debian and its kin take authorities of the administrator from.
constexpr const char* kSystemFolder = "/usr/local/share/ca-certificates";
constexpr const char* kSystemUpdate = "/usr/sbin/update-ca-certificates";

struct TrustOptions {
  std::string folder = "ca";
  std::string bundle;
  std::string into;
  bool system = false;
  bool remove = false;
};

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string name_of(X509* authority) { return fmt::format("rpx-{}", tls::fingerprint_of(authority).substr(0, 16)); }

// All but the authority stays as it is, comments too.
Result<std::string> change_bundle(const TrustOptions& options, X509* authority) {
  std::error_code ignored;
  std::string text = fs::exists(options.bundle, ignored) ? read_text(options.bundle) : std::string();
  const std::string pem = pki::pem_of(authority);
  const std::size_t at = text.find(pem);
  if (options.remove) {
    if (at == std::string::npos) return fmt::format("{} does not have it\n", options.bundle);
    text.erase(at, pem.size());
  } else {
    if (at != std::string::npos) return fmt::format("{} has it already\n", options.bundle);
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
    text += pem;
  }
  RPX_TRY_VOID(write_public(options.bundle, text, true));
  return fmt::format("{}\n", options.bundle);
}

// As c_rehash(1) has it: clients look for a file that is called by a hash of the subject.
Result<std::string> change_folder(const TrustOptions& options, X509* authority) {
  std::error_code failed;
  fs::create_directories(options.into, failed);
  const std::string leaf = name_of(authority) + ".pem";
  const std::string path = fmt::format("{}/{}", options.into, leaf);
  std::string link;
  for (int i = 0; link.empty() && i < 1000; ++i) {
    const std::string candidate = fmt::format("{}/{:08x}.{}", options.into, X509_subject_name_hash(authority), i);
    const fs::file_status status = fs::symlink_status(candidate, failed);
    const bool ours = fs::is_symlink(status) && fs::read_symlink(candidate, failed) == leaf;
    if (ours || (!options.remove && !fs::exists(status))) link = candidate;
    if (options.remove && !fs::exists(status)) break;
  }
  if (options.remove) {
    const bool was = fs::remove(path, failed);
    if (!link.empty()) fs::remove(link, failed);
    return was ? fmt::format("{}\n", path) : fmt::format("{} does not have it\n", options.into);
  }
  RPX_TRY_VOID(write_public(path, pki::pem_of(authority), true));
  if (fs::is_symlink(fs::symlink_status(link, failed))) return fmt::format("{} has it already\n", options.into);
  fs::create_symlink(leaf, link, failed);
  if (failed) return self_error(ErrorKind::kIo, fmt::format("{}: {}", link, failed.message()));
  return fmt::format("{}\n{}\n", path, link);
}

Status run_update() {
  const pid_t child = fork();
  if (child < 0) return self_error(ErrorKind::kIo, errno_text("fork", errno));
  if (child == 0) {
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDOUT_FILENO);
    execl(kSystemUpdate, kSystemUpdate, nullptr);
    _exit(127);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return self_error(ErrorKind::kIo, fmt::format("{} has failed", kSystemUpdate));
}

Result<std::string> change_system(const TrustOptions& options, X509* authority) {
  std::error_code failed;
  if (!fs::exists(kSystemUpdate, failed))
    return self_error(ErrorKind::kUsage,
                      fmt::format("--system needs {}, which this system does not have; --bundle and --into do without",
                                  kSystemUpdate));
  const std::string path = fmt::format("{}/{}.crt", kSystemFolder, name_of(authority));
  if (options.remove) {
    if (!fs::remove(path, failed) && !failed) return std::string("the system does not have it\n");
    if (failed) return self_error(ErrorKind::kIo, fmt::format("{}: {}", path, failed.message()));
  } else {
    fs::create_directories(kSystemFolder, failed);
    RPX_TRY_VOID(write_public(path, pki::pem_of(authority), true));
  }
  RPX_TRY_VOID(run_update());
  return fmt::format("{}\n", path);
}

Result<int> trust(const TrustOptions& options, const cli::Common& common) {
  const int places = (options.bundle.empty() ? 0 : 1) + (options.into.empty() ? 0 : 1) + (options.system ? 1 : 0);
  if (places != 1)
    return self_error(
        ErrorKind::kUsage,
        "say where: --bundle FILE for one client, --into DIR for those that are told a folder, or --system "
        "for all of this machine; rpx-cert ca issue --env is for one shell, and changes nothing");
  RPX_TRY(const std::vector<tls::X509Ptr> authority, tls::read_bundle(options.folder + "/ca.pem"));
  X509* certificate = authority.front().get();
  if (X509_check_ca(certificate) != 1)
    return self_error(ErrorKind::kConfig, fmt::format("{}/ca.pem is no certificate authority", options.folder));
  RPX_TRY(const std::string said, !options.bundle.empty() ? change_bundle(options, certificate)
                                  : !options.into.empty() ? change_folder(options, certificate)
                                                          : change_system(options, certificate));
  if (!common.quiet) cli::write_stdout(said);
  return 0;
}

}  // namespace

void add_trust(cli::App& app) {
  auto options = std::make_shared<TrustOptions>();
  app.verb("ca trust", "make clients trust the authority, in a bundle, a folder or the whole system")
      .example("rpx-cert ca trust --bundle dev.pem && curl --cacert dev.pem https://app.test", "for who is told so")
      .example("sudo rpx-cert ca trust --system", "for everybody on this machine; --remove undoes it")
      .option("--ca", "DIR", &options->folder, "folder of the authority; ca without it")
      .option("--bundle", "FILE", &options->bundle, "a PEM file; made when there is none")
      .option("--into", "DIR", &options->into, "a folder of authorities, as OpenSSL has them")
      .flag("--system", options->system, "the trust store of this machine")
      .flag("--remove", options->remove, "the other way round: it is trusted there no more")
      .action([options](const cli::Common& common) {
        const Result<int> done = trust(*options, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::cert
