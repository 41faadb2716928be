#include "probing.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "config/checks.h"
#include "net/resolver.h"
#include "rpx-serve/source.h"
#include "rt/group.h"
#include "upstream/server.h"

namespace rpx::check {
namespace {

// A name is given this long to resolve, beside the time of the check itself.
constexpr Duration kResolve = std::chrono::seconds(2);

rt::Task<void> probe_into(rt::Loop& loop, const upstream::Server& server, std::shared_ptr<const tls::ClientContext> tls,
                          const Subject& subject, upstream::ProbeResult& out) {
  std::string error;
  upstream::ProbeTarget target = upstream::target_of(server, tls, error);
  out = co_await upstream::probe(loop, std::move(target), subject.check);
  if (!error.empty() && !out.good) out.why = fmt::format("does not resolve: {}", error);
}

// "http://host:port/path?query" as the server and what is asked of it; no path for a Unix socket.
std::pair<std::string, std::string> split_url(const std::string& url) {
  const std::size_t begin = url.find("://");
  const std::size_t path = begin == std::string::npos ? begin : url.find_first_of("/?", begin + 3);
  if (path == std::string::npos) return {url, ""};
  std::string asked = url.substr(path);
  if (asked.starts_with('?')) asked.insert(0, "/");
  return {url.substr(0, path), asked};
}

}  // namespace

Result<std::vector<Subject>> subjects_of_file(const cli::Common& common) {
  RPX_TRY(const serve::Source source, serve::Source::from_file(common, {}));
  const auto loaded = source.load();
  if (!loaded) {
    serve::print_problems(loaded.error());
    return self_error(ErrorKind::kConfig, "the configuration has errors; rpx-serve check tells more");
  }
  std::vector<Subject> out;
  for (const upstream::UpstreamOptions& upstream : loaded->options.upstreams) {
    // A server without a check of its own is well when it takes connections.
    upstream::HealthOptions plain;
    plain.tcp = true;
    for (const upstream::ServerOptions& server : upstream.servers) {
      out.push_back({upstream.name, server.url, upstream.health.value_or(plain), upstream.tls});
      out.back().check.proxy_protocol = upstream.proxy_protocol;
      out.back().check.protocol = upstream.protocol;
    }
  }
  return out;
}

Result<std::vector<Subject>> subjects_of(const std::vector<std::string>& urls, const Kind& kind,
                                         const cli::Common& common) {
  std::vector<Subject> known;
  const bool asks_file = !common.config.empty() || std::ranges::any_of(urls, [](const std::string& url) {
    return split_url(url).second.empty();
  });
  if (!kind.tcp && asks_file && (!common.config.empty() || serve::Source::from_file(common, {}))) {
    RPX_TRY(known, subjects_of_file(common));
  }
  std::vector<Subject> out;
  for (const std::string& url : urls) {
    auto [server, path] = split_url(url);
    if (const auto complaint = config::check_server_url(server))
      return self_error(ErrorKind::kUsage, fmt::format("bad URL \"{}\": {}", url, *complaint));
    const auto found = std::ranges::find(known, server, &Subject::url);
    Subject subject{"", server, {}};
    if (path.empty() && found != known.end()) subject = *found;
    if (found != known.end()) subject.tls = found->tls;
    if (!path.empty()) subject.check.path = path;
    if (kind.tls || kind.grpc) subject.check = {.tls = kind.tls, .grpc = kind.grpc, .service = kind.service};
    const bool other = subject.check.tls || subject.check.grpc;
    subject.check.tcp |= kind.tcp || (server.starts_with("tcp://") && !other);
    if (common.timeout) subject.check.timeout = *common.timeout;
    out.push_back(std::move(subject));
  }
  return out;
}

std::vector<upstream::ProbeResult> probe_all(const std::vector<Subject>& subjects) {
  net::Resolver resolver;
  std::vector<upstream::ProbeResult> results(subjects.size());
  std::vector<std::unique_ptr<upstream::Server>> servers;
  std::vector<std::shared_ptr<const tls::ClientContext>> contexts;
  for (const Subject& subject : subjects) {
    auto target = upstream::parse_server_url(subject.url);
    std::shared_ptr<const tls::ClientContext>& context = contexts.emplace_back();
    if (target && (target->tls || subject.check.tls)) {
      auto made = tls::ClientContext::build(subject.tls);
      if (!made) results[servers.size()].why = made.error().detail;
      context = made.value_or(nullptr);
    }
    servers.push_back(std::make_unique<upstream::Server>(subject.upstream, upstream::ServerOptions{.url = subject.url},
                                                         target.value_or(upstream::ServerTarget{}), resolver,
                                                         target && target->tls ? context : nullptr));
  }
  resolver.wait_for_first_answers(kResolve);
  rt::Loop loop;
  rt::TaskGroup tasks(loop);
  for (std::size_t i = 0; i < subjects.size(); ++i)
    if (results[i].why.empty()) tasks.spawn(probe_into(loop, *servers[i], contexts[i], subjects[i], results[i]));
  while (tasks.size() != 0) loop.run_once(std::chrono::milliseconds(100));
  return results;
}

}  // namespace rpx::check
