#include "policy/rewrite.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <array>

#include "base/result.h"
#include "http/chars.h"
#include "http/h1_parse.h"
#include "policy/uri_text.h"

namespace rpx::policy {
namespace {

constexpr int kMaxGroup = 9;

bool escapes_are_whole(std::string_view text) noexcept {
  for (std::size_t i = text.find('%'); i != std::string_view::npos; i = text.find('%', i + 1))
    if (i + 2 >= text.size() || !http::is_hex_digit(text[i + 1]) || !http::is_hex_digit(text[i + 2])) return false;
  return true;
}

/// Whether a segment is "." or "..", also where a dot is written %2E.
bool has_dot_segment(std::string_view path) noexcept {
  std::size_t dots = 0;
  bool others = false;
  for (std::size_t i = 0; i <= path.size(); ++i) {
    if (i == path.size() || path[i] == '/') {
      if (!others && (dots == 1 || dots == 2)) return true;
      dots = 0;
      others = false;
    } else if (path[i] == '.') {
      ++dots;
    } else if (path[i] == '%' && i + 2 < path.size() && path[i + 1] == '2' && (path[i + 2] | 0x20) == 'e') {
      ++dots;
      i += 2;
    } else {
      others = true;
    }
  }
  return false;
}

}  // namespace

std::string_view strip_prefix(std::string_view path, std::string_view prefix) noexcept {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  if (prefix.empty() || !path.starts_with(prefix)) return path;
  if (path.size() == prefix.size()) return "/";
  if (path[prefix.size()] != '/') return path;
  path.remove_prefix(prefix.size());
  // "/v1//name" must not become "//name", which an origin could take for another host.
  while (path.starts_with("//")) path.remove_prefix(1);
  return path;
}

Status check_rewrite(const RewriteOptions& options) {
  RPX_TRY([[maybe_unused]] Rewrite rewrite, Rewrite::compile(options));
  return {};
}

Result<std::vector<Rewrite::Piece>> Rewrite::parse_replacement(std::string_view to, int groups) {
  std::vector<Piece> pieces;
  const auto add_literal = [&](std::string_view text) {
    if (pieces.empty() || pieces.back().group >= 0) pieces.push_back({});
    pieces.back().text += text;
  };
  while (!to.empty()) {
    const std::size_t dollar = to.find('$');
    if (dollar != 0) {
      add_literal(to.substr(0, dollar));
      to.remove_prefix(std::min(dollar, to.size()));
      continue;
    }
    if (to.starts_with("$$")) {
      add_literal("$");
      to.remove_prefix(2);
      continue;
    }
    const bool braced = to.size() > 3 && to[1] == '{' && to[3] == '}';
    const char digit = braced ? to[2] : (to.size() > 1 ? to[1] : '\0');
    if (digit < '1' || digit > '9')
      return self_error(ErrorKind::kConfig, "\"$\" is followed by no group, $1 to $9; a plain one is written \"$$\"");
    if (digit - '0' > groups)
      return self_error(ErrorKind::kConfig, fmt::format("${} is used, but the pattern has {}", digit,
                                                        groups == 0   ? std::string("no group")
                                                        : groups == 1 ? std::string("one group only")
                                                                      : fmt::format("{} groups only", groups)));
    pieces.push_back({{}, digit - '0'});
    to.remove_prefix(braced ? 4 : 2);
  }
  return pieces;
}

Result<Rewrite> Rewrite::compile(const RewriteOptions& options) {
  if (options.from.empty()) return self_error(ErrorKind::kConfig, "the rewrite's \"from\" is empty");
  re2::RE2::Options settings(re2::RE2::Latin1);
  settings.set_log_errors(false);
  Rewrite out;
  auto pattern = std::make_shared<const re2::RE2>(options.from, settings);
  if (!pattern->ok())
    return self_error(ErrorKind::kConfig, fmt::format("\"{}\" is not a pattern: {}", options.from, pattern->error()));
  out.pattern_ = pattern;
  if (options.to.find_first_of("?#") != std::string::npos)
    return self_error(ErrorKind::kConfig, "a rewrite changes the path alone: its \"to\" holds no \"?\" and no \"#\"");
  if (!escapes_are_whole(options.to))
    return self_error(ErrorKind::kConfig, "\"%\" in the rewrite's \"to\" is followed by two hexadecimal digits");
  RPX_TRY(out.pieces_, parse_replacement(options.to, pattern->NumberOfCapturingGroups()));
  return out;
}

Result<std::string_view> Rewrite::apply(std::string_view path, Arena& arena) const {
  std::array<re2::StringPiece, kMaxGroup + 1> groups;
  const int wanted = std::min(pattern_->NumberOfCapturingGroups(), kMaxGroup) + 1;
  const re2::StringPiece subject(path.data(), path.size());
  if (!pattern_->Match(subject, 0, subject.size(), re2::RE2::UNANCHORED, groups.data(), wanted)) return path;

  thread_local std::string text;
  text.clear();
  const auto start = static_cast<std::size_t>(groups[0].data() - path.data());
  text += path.substr(0, start);
  for (const Piece& piece : pieces_) {
    if (piece.group < 0)
      text += piece.text;
    else if (const re2::StringPiece& group = groups[static_cast<std::size_t>(piece.group)]; !group.empty())
      text.append(group.data(), group.size());
  }
  text += path.substr(start + groups[0].size());

  thread_local std::string encoded;
  encoded.clear();
  if (!text.starts_with('/')) encoded += '/';
  append_path_text(encoded, text);
  // A dot segment can only come from a capture like "../x" out of "/files../x" that was made to meet a '/' of ours.
  if (has_dot_segment(encoded)) return client_error(ErrorKind::kBadRequest, "the rewritten path has a dot segment");
  return http::canonical_path(arena.copy(encoded), arena);
}

}  // namespace rpx::policy
