#include "proxy_times.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/result.h"
#include "control/client.h"

namespace rpx::bench {
namespace {

std::optional<double> sample(std::string_view text, std::string_view name) noexcept {
  const std::string line = fmt::format("\n{} ", name);
  const std::size_t at = text.find(line);
  if (at == std::string_view::npos) return std::nullopt;
  double out = 0;
  const char* begin = text.data() + at + line.size();
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), out);
  return error == std::errc() ? std::optional(out) : std::nullopt;
}

}  // namespace

Result<ProxyTimes> ask_proxy(const std::string& path) {
  const control::Client proxy(path, std::chrono::seconds(5));
  RPX_TRY(const control::Answer answer, proxy.ask("GET", "/metrics"));
  const auto seconds = sample(answer.body, "rpx_request_duration_seconds_sum");
  const auto requests = sample(answer.body, "rpx_request_duration_seconds_count");
  const auto servers = sample(answer.body, "rpx_server_first_byte_seconds_sum");
  if (!seconds || !requests || !servers)
    return upstream_error(ErrorKind::kBadResponse, fmt::format("the proxy at {} tells no times in its metrics", path));
  return ProxyTimes{*seconds, *requests, *servers};
}

}  // namespace rpx::bench
