#include "target.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

#include "base/result.h"
#include "cli/terminal.h"
#include "net/resolver.h"

namespace rpx::bench {

Result<Target> parse_target_url(std::string_view url) {
  const auto bad = [url](std::string_view why) {
    return self_error(ErrorKind::kUsage, fmt::format("bad URL \"{}\": {}", url, why));
  };
  Target out;
  std::string_view server = url;
  if (url.starts_with("unix:")) {
    const std::size_t cut = url.find(":/", 6);
    server = url.substr(0, cut);
    out.target = cut == std::string_view::npos ? "/" : url.substr(cut + 1);
  } else {
    const std::size_t slashes = url.find("://");
    if (slashes == std::string_view::npos)
      return bad(fmt::format("it begins with http://, https:// or unix:; did you mean http://{}?", url));
    const std::size_t cut = url.find_first_of("/?#", slashes + 3);
    server = url.substr(0, cut);
    out.target = cut == std::string_view::npos ? "/" : url.substr(cut);
    out.target.resize(std::min(out.target.size(), out.target.find('#')));
    if (!out.target.starts_with('/')) out.target.insert(0, "/");
  }
  // Places of a template may hold what a target may not.
  if (out.target.find("{{") == std::string::npos && out.target.find_first_of(" \t\r\n") != std::string::npos)
    return bad("it holds a space; write %20");
  auto parsed = upstream::parse_server_url(server);
  if (!parsed || parsed->tcp) return bad("expected http://host[:port]/path, https://… or unix:/socket:/path");
  out.server = std::move(*parsed);
  out.server_url = server;
  return out;
}

Result<std::vector<Address>> addresses_of(const upstream::ServerTarget& server, Duration patience) {
  if (server.host.empty()) return std::vector<Address>{server.address};
  net::Resolver resolver;
  const std::shared_ptr<net::Name> name = resolver.watch(server.host);
  resolver.wait_for_first_answers(patience);
  std::string error;
  std::vector<Address> out;
  for (const IpAddress& ip : name->addresses(&error)) out.push_back({ip, server.address.port, {}});
  if (out.empty())
    return upstream_error(ErrorKind::kUnresolved, fmt::format("cannot resolve {}: {}", server.host,
                                                              error.empty() ? "no answer in time" : error));
  return out;
}

Result<std::string> read_input(const std::string& path) {
  if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string out(std::istreambuf_iterator<char>(file), {});
  if (!file || file.bad())
    return self_error(ErrorKind::kUsage, fmt::format("{}: cannot read: {}", path, std::strerror(errno)));
  return out;
}

Status write_output(const std::string& path, std::string_view text) {
  if (path == "-") {
    cli::write_stdout(text);
    return {};
  }
  const auto failed = [&path] {
    return self_error(ErrorKind::kIo, fmt::format("{}: cannot write: {}", path, std::strerror(errno)));
  };
  std::string beside = path + ".XXXXXX";
  const net::UniqueFd file(mkostemp(beside.data(), O_CLOEXEC));
  if (!file) return failed();
  while (!text.empty()) {
    const ssize_t wrote = write(file.get(), text.data(), text.size());
    if (wrote < 0 && errno != EINTR) break;
    if (wrote > 0) text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  if (!text.empty() || fchmod(file.get(), 0644) != 0 || fsync(file.get()) != 0 ||
      rename(beside.c_str(), path.c_str()) != 0) {
    const auto out = failed();
    unlink(beside.c_str());
    return out;
  }
  return {};
}

}  // namespace rpx::bench
