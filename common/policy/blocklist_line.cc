#include "policy/blocklist_line.h"

#include <fmt/format.h>

#include "base/result.h"
#include "base/rfc3339.h"
#include "base/text.h"

namespace rpx::policy {
namespace {

constexpr std::string_view kUntil = "until=";
constexpr std::size_t kMostReason = 200;
constexpr std::size_t kShown = 60;

std::unexpected<Error> bad(std::string_view what, std::string_view text) {
  std::string shown;
  for (const char c : text.substr(0, kShown)) shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return self_error(ErrorKind::kConfig, fmt::format("{} \"{}\"", what, shown));
}

bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

std::string_view without_comment(std::string_view line) noexcept {
  for (std::size_t at = line.find('#'); at != std::string_view::npos; at = line.find('#', at + 1))
    if (at == 0 || is_blank(line[at - 1])) return line.substr(0, at);
  return line;
}

std::string_view take_word(std::string_view& text) noexcept {
  std::size_t end = 0;
  while (end < text.size() && !is_blank(text[end])) ++end;
  const std::string_view word = text.substr(0, end);
  text = trim(text.substr(end));
  return word;
}

}  // namespace

Result<std::optional<BlockLine>> parse_block_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::string_view rest = trim(without_comment(line));
  if (rest.empty()) return std::nullopt;
  const std::string_view address = take_word(rest);
  const auto prefix = IpPrefix::parse(address);
  if (!prefix) return bad("no address or prefix:", address);
  BlockLine out{*prefix, std::nullopt, {}};
  if (rest.starts_with(kUntil)) {
    const std::string_view time = take_word(rest).substr(kUntil.size());
    out.until = parse_rfc3339(time);
    if (!out.until) return bad("no RFC 3339 time behind until=:", time);
  }
  for (const char c : rest)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t') return bad("a control character in", line);
  out.reason = rest;
  return out;
}

std::string format_block_line(const IpPrefix& prefix, const std::optional<WallTime>& until, std::string_view reason) {
  std::string out = prefix.to_string();
  if (until) {
    std::string time = format_rfc3339(std::chrono::ceil<std::chrono::seconds>(*until));
    time.replace(time.find('.'), std::string::npos, "Z");
    out += fmt::format(" until={}", time);
  }
  if (!reason.empty()) out += fmt::format(" {}", reason);
  return out;
}

Status check_block_reason(std::string_view reason) {
  const auto refuse = [](std::string_view why) {
    return client_error(ErrorKind::kBadRequest, fmt::format("a reason {}", why));
  };
  if (reason.size() > kMostReason) return refuse(fmt::format("has at most {} bytes", kMostReason));
  if (reason.starts_with(kUntil)) return refuse("does not begin with until=");
  if (trim(reason) != reason) return refuse("has no blanks at its ends");
  for (std::size_t i = 0; i < reason.size(); ++i) {
    if (static_cast<unsigned char>(reason[i]) < 0x20 || reason[i] == 0x7f) return refuse("holds no control characters");
    if (reason[i] == '#' && (i == 0 || is_blank(reason[i - 1]))) return refuse("has no word that begins with #");
  }
  return {};
}

}  // namespace rpx::policy
