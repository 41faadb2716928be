#include "chains.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/result.h"
#include "cli/terminal.h"
#include "tls/certificate.h"

namespace rpx::cert {

Result<Chain> load_chain(const std::string& target, const std::string& name, Duration timeout) {
  Chain out;
  std::error_code ignored;
  if (target == "-" || std::filesystem::exists(target, ignored)) {
    RPX_TRY(out.certificates, tls::read_bundle(target == "-" ? "/dev/stdin" : target));
    return out;
  }
  if (target.find('/') != std::string::npos && !target.starts_with("https://"))
    return self_error(ErrorKind::kConfig, fmt::format("{}: there is no such file", target));
  RPX_TRY(const pki::Endpoint endpoint, pki::parse_endpoint(target));
  RPX_TRY(pki::Served served, pki::fetch_served(endpoint, name.empty() ? endpoint.host : name, timeout));
  out.certificates = std::move(served.chain);
  out.host = endpoint.host;
  out.version = std::move(served.version);
  return out;
}

Duration patience_of(const cli::Common& common) { return common.timeout.value_or(std::chrono::seconds(10)); }

void print(const cli::Records& records, const cli::Common& common) {
  if (common.quiet) return;
  cli::write_stdout(records.render(common.resolved_format(), cli::use_color(common.color, cli::stdout_is_terminal())));
}

std::string time_text(WallTime time) { return format_rfc3339(std::chrono::floor<std::chrono::seconds>(time)); }

}  // namespace rpx::cert
