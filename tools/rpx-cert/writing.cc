#include "writing.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "base/result.h"
#include "base/text.h"
#include "cli/terminal.h"
#include "rpx-serve/file.h"

namespace rpx::cert {
namespace {

Status write(const std::string& path, const std::string& pem, bool force, unsigned mode) {
  if (path == "-") {
    cli::write_stdout(pem);
    return {};
  }
  std::error_code ignored;
  if (!force && std::filesystem::exists(path, ignored))
    return self_error(ErrorKind::kUsage, fmt::format("{} is there already; --force replaces it", path));
  return serve::replace_file(path, pem, mode);
}

}  // namespace

Status write_public(const std::string& path, const std::string& pem, bool force) {
  return write(path, pem, force, 0644);
}

Status write_secret(const std::string& path, const std::string& pem, bool force) {
  return write(path, pem, force, 0600);
}

Result<std::string> read_passphrase(const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream in(path == "-" ? "/dev/stdin" : path);
  std::string line;
  if (!in || !std::getline(in, line) || line.empty())
    return self_error(ErrorKind::kUsage, fmt::format("{}: no passphrase in its first line", path));
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

pki::KeyKind kind_of(const std::string& kind) {
  return pki::parse_key_kind(kind.empty() ? "ec" : kind).value_or(pki::KeyKind::kEcP256);
}

pki::Wanted wanted_of(const std::vector<std::string>& names, std::optional<Duration> life, Duration standard) {
  pki::Wanted out;
  for (const std::string& name : names) out.names.push_back(lower(name));
  // Clocks of others may be a little behind.
  out.from = std::chrono::system_clock::now() - std::chrono::minutes(5);
  out.life = life.value_or(standard) + std::chrono::minutes(5);
  return out;
}

}  // namespace rpx::cert
