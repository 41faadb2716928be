#include "upstream/server_line.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "base/text.h"
#include "upstream/server.h"

namespace rpx::upstream {
namespace {

constexpr std::uint64_t kMostWeight = 65535;
constexpr std::uint64_t kMostPriority = 1000;
constexpr std::uint64_t kMostConnections = 0xffffffff;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> out;
  constexpr std::string_view kBlank = " \t\r\n";
  for (;;) {
    const std::size_t begin = line.find_first_not_of(kBlank);
    if (begin == std::string_view::npos) return out;
    line.remove_prefix(begin);
    const std::size_t end = std::min(line.find_first_of(kBlank), line.size());
    out.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

std::string_view without_remark(std::string_view line) { return line.substr(0, line.find('#')); }

Status read_number(std::string_view word, std::uint64_t least, std::uint64_t most, std::uint32_t& out) {
  const std::size_t equals = word.find('=');
  const auto number = parse_uint(word.substr(equals + 1));
  if (!number || *number < least || *number > most)
    return self_error(ErrorKind::kConfig, fmt::format("{} is a number from {} to {}, not \"{}\"",
                                                      word.substr(0, equals), least, most, word.substr(equals + 1)));
  out = static_cast<std::uint32_t>(*number);
  return {};
}

template <class Take>
void each_line(std::string_view text, Take take) {
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    take(text.substr(0, end), ++number);
    text.remove_prefix(end);
  }
}

}  // namespace

Result<ServerOptions> parse_server_line(std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  if (words.empty()) return self_error(ErrorKind::kConfig, "no server");
  ServerOptions out;
  out.url = words.front();
  RPX_TRY([[maybe_unused]] const ServerTarget target, parse_server_url(out.url));
  if (out.url.starts_with("unix:") && !out.url.starts_with("unix:/"))
    return self_error(ErrorKind::kConfig, fmt::format("server \"{}\": the path must be absolute here", out.url));
  for (const std::string_view word : words) {
    if (word == words.front()) continue;
    if (word == "backup") {
      out.backup = true;
    } else if (word.starts_with("weight=")) {
      RPX_TRY_VOID(read_number(word, 1, kMostWeight, out.weight));
    } else if (word.starts_with("priority=")) {
      RPX_TRY_VOID(read_number(word, 0, kMostPriority, out.priority));
    } else if (word.starts_with("max_connections=")) {
      RPX_TRY_VOID(read_number(word, 0, kMostConnections, out.max_connections));
    } else {
      return self_error(
          ErrorKind::kConfig,
          fmt::format("unknown word \"{}\": expected weight=, priority=, max_connections= or backup", word));
    }
  }
  return out;
}

std::string server_line(const ServerOptions& server) {
  const ServerOptions plain;
  std::string out = server.url;
  if (server.weight != plain.weight) out += fmt::format(" weight={}", server.weight);
  if (server.priority != plain.priority) out += fmt::format(" priority={}", server.priority);
  if (server.max_connections != plain.max_connections)
    out += fmt::format(" max_connections={}", server.max_connections);
  if (server.backup) out += " backup";
  return out;
}

Result<std::vector<ServerOptions>> parse_server_lines(std::string_view text) {
  std::vector<ServerOptions> out;
  Status wrong;
  each_line(text, [&](std::string_view line, std::size_t number) {
    if (!wrong || words_of(without_remark(line)).empty()) return;
    auto server = parse_server_line(without_remark(line));
    if (!server)
      wrong = self_error(ErrorKind::kConfig, fmt::format("{}: {}", number, server.error().detail));
    else if (std::ranges::find(out, server->url, &ServerOptions::url) == out.end())
      out.push_back(std::move(*server));
    else
      wrong = self_error(ErrorKind::kConfig, fmt::format("{}: {} stands above already", number, server->url));
  });
  if (!wrong) return std::unexpected(std::move(wrong).error());
  return out;
}

std::string with_server(std::string text, const ServerOptions& server) {
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  return text + server_line(server) + '\n';
}

std::string without_server(std::string_view text, std::string_view url) {
  std::string out;
  each_line(text, [&](std::string_view line, std::size_t) {
    const auto words = words_of(without_remark(line));
    if (words.empty() || words.front() != url) out += line;
  });
  return out;
}

}  // namespace rpx::upstream
