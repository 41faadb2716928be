#include "proxy/acme_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "base/result.h"
#include "base/rfc3339.h"
#include "base/text.h"
#include "pki/challenge.h"
#include "pki/key.h"
#include "pki/secret_file.h"

namespace rpx::proxy {
namespace {

std::unexpected<Error> store_error(const std::string& path, std::string_view call) {
  return self_error(ErrorKind::kIo, fmt::format("{}: {}", path, errno_text(call, errno)));
}

Status make_folder(const std::string& path) {
  std::error_code why;
  const std::string parent = std::filesystem::path(path).parent_path().string();
  std::filesystem::create_directories(parent, why);
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return store_error(path, "mkdir");
}

constexpr std::pair<std::string_view, WallTime AcmeRecord::*> kTimes[] = {{"tried", &AcmeRecord::tried},
                                                                          {"next", &AcmeRecord::next},
                                                                          {"renew", &AcmeRecord::renew},
                                                                          {"ask", &AcmeRecord::ask}};

}  // namespace

std::string format_acme_record(const AcmeRecord& record) {
  std::string out = "# rpx-serve writes this file, and reads it when it starts.\n";
  if (!record.directory.empty()) out += fmt::format("directory {}\n", record.directory);
  for (const auto& [name, member] : kTimes)
    if (record.*member != WallTime{}) out += fmt::format("{} {}\n", name, format_rfc3339(record.*member));
  if (record.failures != 0) out += fmt::format("failures {}\n", record.failures);
  if (!record.error.empty()) out += fmt::format("error {}\n", record.error);
  return out;
}

AcmeRecord parse_acme_record(std::string_view text) {
  AcmeRecord out;
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t blank = line.find(' ');
    if (blank == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, blank);
    const std::string_view value = trim(line.substr(blank + 1));
    for (const auto& [known, member] : kTimes)
      if (name == known) out.*member = parse_rfc3339(value).value_or(WallTime{});
    if (name == "directory") out.directory = value;
    if (name == "error") out.error = value;
    if (name == "failures")
      out.failures = static_cast<std::uint32_t>(std::min<std::uint64_t>(parse_uint(value).value_or(0), 1000));
  }
  return out;
}

AcmeStore::AcmeStore(std::string folder) : folder_(std::move(folder)) {
  while (folder_.size() > 1 && folder_.ends_with('/')) folder_.pop_back();
}

Status AcmeStore::prepare() const {
  for (const char* below : {"", "/certificates", "/state", "/challenges"}) RPX_TRY_VOID(make_folder(folder_ + below));
  return {};
}

Result<net::UniqueFd> AcmeStore::lock() const {
  const std::string path = folder_ + "/lock";
  net::UniqueFd file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return store_error(path, "open");
  if (flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno == EWOULDBLOCK) return net::UniqueFd();
  return store_error(path, "flock");
}

Result<tls::KeyPtr> AcmeStore::account_key() const {
  const std::string path = folder_ + "/account.key";
  if (access(path.c_str(), F_OK) == 0) return pki::read_key(path);
  RPX_TRY(tls::KeyPtr key, pki::make_key(pki::KeyKind::kEcP256));
  RPX_TRY(std::string pem, pki::key_pem(key.get()));
  const Status written = pki::write_secret_file(path, pem);
  pki::wipe(pem);
  if (!written) return std::unexpected(written.error());
  return key;
}

tls::CertificateOptions AcmeStore::files_of(const std::string& name) const {
  const std::string path = fmt::format("{}/certificates/{}.pem", folder_, name);
  return {.cert = path, .key = path};
}

tls::CertificateOptions AcmeStore::trial_files_of(const std::string& name) const {
  const std::string path = fmt::format("{}/certificates/{}.pem.trial", folder_, name);
  return {.cert = path, .key = path};
}

Status AcmeStore::accept_trial(const std::string& name) const {
  const std::string from = trial_files_of(name).cert;
  if (std::rename(from.c_str(), files_of(name).cert.c_str()) == 0) return {};
  return store_error(from, "rename");
}

void AcmeStore::drop_trial(const std::string& name) const { unlink(trial_files_of(name).cert.c_str()); }

Status AcmeStore::write_challenge(const std::string& type, const std::string& key,
                                  std::string_view key_authorization) const {
  return pki::write_secret_file(fmt::format("{}/challenges/{}.{}", folder_, key, type), key_authorization);
}

void AcmeStore::remove_challenge(const std::string& type, const std::string& key) const {
  unlink(fmt::format("{}/challenges/{}.{}", folder_, key, type).c_str());
}

// The key comes from whoever connects: nothing but what tokens and names are made of.
std::string AcmeStore::read_challenge(std::string_view type, std::string_view key) const {
  const bool sane = !key.empty() && key.size() <= 253 && key.front() != '.' && std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
  if (!sane) return {};
  const std::string path = fmt::format("{}/challenges/{}.{}", folder_, key, type);
  struct stat facts{};
  if (stat(path.c_str(), &facts) != 0) return {};
  if (facts.st_mtim.tv_sec + std::chrono::seconds(tls::Challenges::kLife / std::chrono::seconds(1)).count() <
      std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()))
    return {};
  return pki::read_secret_file(path).value_or(std::string());
}

std::string StoredChallenges::find_http(std::string_view token) const {
  return store_.read_challenge("http-01", token);
}

tls::SslContextPtr StoredChallenges::find_tls(std::string_view name) const {
  const std::string proof = store_.read_challenge("tls-alpn-01", name);
  if (proof.empty()) return {};
  auto context =
      pki::proof_context({.type = "tls-alpn-01", .name = std::string(name), .token = {}, .key_authorization = proof});
  return context ? *std::move(context) : tls::SslContextPtr();
}

Result<AcmeRecord> AcmeStore::read_record(const std::string& name) const {
  RPX_TRY(const std::string text, pki::read_secret_file(fmt::format("{}/state/{}", folder_, name)));
  return parse_acme_record(text);
}

Status AcmeStore::write_record(const std::string& name, const AcmeRecord& record) const {
  return pki::write_secret_file(fmt::format("{}/state/{}", folder_, name), format_acme_record(record));
}

}  // namespace rpx::proxy
