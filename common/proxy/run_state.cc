#include "proxy/run_state.h"

#include <fmt/format.h>

#include "base/rfc3339.h"
#include "base/text.h"
#include "upstream/server_line.h"

namespace rpx::proxy {
namespace {

constexpr std::string_view kHead =
    "# What was changed of servers while rpx-serve ran; it writes this file, and reads it when it starts.\n";

bool has_blank(std::string_view text) noexcept { return text.find_first_of(" \t\r\n") != std::string_view::npos; }

void add_line(std::string& out, std::string_view word, const std::string& upstream, const std::string& url,
              std::string_view rest) {
  if (!has_blank(upstream) && !has_blank(url)) out += fmt::format("{} {} {}{}\n", word, upstream, url, rest);
}

// "word upstream url rest…"; false when a part is missing.
bool cut(std::string_view line, std::string_view& word, std::string_view& upstream, std::string_view& rest) {
  const std::size_t first = line.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos) return false;
  word = line.substr(0, first);
  upstream = line.substr(first + 1, second - first - 1);
  rest = trim(line.substr(second + 1));
  return !rest.empty();
}

bool read_admin(RunState& out, upstream::Admin admin, std::string_view upstream, std::string_view rest) {
  const std::size_t blank = std::min(rest.find(' '), rest.size());
  KeptAdmin kept{std::string(upstream), std::string(rest.substr(0, blank)), admin, std::nullopt};
  const std::string_view until = trim(rest.substr(blank));
  if (!until.empty()) {
    kept.until = parse_rfc3339(until);
    if (!kept.until) return false;
  }
  out.admins.push_back(std::move(kept));
  return true;
}

bool read_weight(RunState& out, std::string_view upstream, std::string_view rest) {
  const std::vector<std::string_view> words = split(rest, ' ');
  if (words.size() != 3) return false;
  const auto weight = parse_uint(words[1]);
  const auto configured = parse_uint(words[2]);
  if (!weight || !configured || *weight < 1 || *weight > 65535 || *configured > 65535) return false;
  out.weights.push_back({std::string(upstream), std::string(words[0]), static_cast<std::uint32_t>(*weight),
                         static_cast<std::uint32_t>(*configured)});
  return true;
}

bool read_line(RunState& out, std::string_view line) {
  std::string_view word;
  std::string_view upstream;
  std::string_view rest;
  if (!cut(line, word, upstream, rest)) return false;
  if (word == "drain") return read_admin(out, upstream::Admin::kDrain, upstream, rest);
  if (word == "maint") return read_admin(out, upstream::Admin::kMaint, upstream, rest);
  if (word == "weight") return read_weight(out, upstream, rest);
  if (word == "removed") {
    if (has_blank(rest)) return false;
    out.removed.push_back({std::string(upstream), std::string(rest)});
    return true;
  }
  if (word != "added") return false;
  auto server = upstream::parse_server_line(rest);
  if (!server) return false;
  out.added.push_back({std::string(upstream), std::move(*server)});
  return true;
}

}  // namespace

std::string format_run_state(const RunState& state) {
  std::string out(kHead);
  for (const AddedServer& one : state.added)
    if (!has_blank(one.upstream) && !has_blank(one.server.url))
      out += fmt::format("added {} {}\n", one.upstream, upstream::server_line(one.server));
  for (const RemovedServer& one : state.removed) add_line(out, "removed", one.upstream, one.url, "");
  for (const KeptAdmin& one : state.admins)
    add_line(out, upstream::name_of(one.admin), one.upstream, one.url,
             one.until ? " " + format_rfc3339(*one.until) : std::string());
  for (const KeptWeight& one : state.weights)
    add_line(out, "weight", one.upstream, one.url, fmt::format(" {} {}", one.weight, one.configured));
  return out;
}

RunState parse_run_state(std::string_view text, std::vector<std::string>& problems) {
  RunState out;
  std::size_t number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    if (trim(line).empty() || line.starts_with('#')) continue;
    if (!read_line(out, trim(line)))
      problems.push_back(fmt::format("{}: \"{}\" is not understood", number, trim(line)));
  }
  return out;
}

}  // namespace rpx::proxy
