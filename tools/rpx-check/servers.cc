#include "servers.h"

#include <fmt/format.h>
#include <poll.h>

#include "base/result.h"
#include "rpx-serve/ask.h"

namespace rpx::check {

Result<std::vector<ServerRow>> ask_servers(const control::Client& proxy, const std::string& upstream) {
  RPX_TRY(const auto upstreams, serve::ask_list(proxy, "/v1/upstreams"));
  std::vector<ServerRow> out;
  for (const auto& one : upstreams) {
    const std::string name = serve::text_of(*one, "name");
    if (!upstream.empty() && name != upstream) continue;
    const auto servers = one->getArray("servers");
    for (std::size_t i = 0; !servers.isNull() && i < servers->size(); ++i) {
      const auto server = servers->getObject(static_cast<unsigned>(i));
      const auto health = server->getObject("health");
      out.push_back({.upstream = name,
                     .url = serve::text_of(*server, "url"),
                     .state = serve::text_of(*server, "state"),
                     .why = serve::text_of(*server, "why"),
                     .last_check = health.isNull() ? "" : serve::text_of(*health, "last"),
                     .weight = serve::number_of(*server, "weight"),
                     .active = serve::number_of(*server, "active"),
                     .checked = !health.isNull(),
                     .healthy = health.isNull() || health->optValue<bool>("healthy", true),
                     .checks = health.isNull() ? 0 : serve::number_of(*health, "checks"),
                     .failed = health.isNull() ? 0 : serve::number_of(*health, "failed")});
    }
  }
  if (out.empty()) return self_error(ErrorKind::kUsage, fmt::format("the proxy has no upstream \"{}\"", upstream));
  return out;
}

void pause(Duration span) {
  ::poll(nullptr, 0, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(span).count()));
}

Result<std::vector<ServerRow>> find_servers(const std::vector<ServerRow>& rows, const std::string& name) {
  std::vector<ServerRow> out;
  for (const ServerRow& row : rows)
    if (row.url == name || row.url.ends_with("//" + name)) out.push_back(row);
  if (out.empty())
    return self_error(ErrorKind::kUsage,
                      fmt::format("the proxy has no server \"{}\"; rpx-check status lists them", name));
  return out;
}

}  // namespace rpx::check
