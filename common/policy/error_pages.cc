#include "policy/error_pages.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <tuple>

#include "base/result.h"
#include "base/text.h"
#include "http/message.h"

namespace rpx::policy {
namespace {

struct FileType {
  std::string_view suffix;
  std::string_view content_type;
};

constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kJson = "application/json";
constexpr std::array<FileType, 5> kFileTypes{
    {{".html", kHtml}, {".htm", kHtml}, {".json", kJson}, {".txt", kText}, {".xml", "application/xml"}}};

/// 404 for "404", 5 for "5xx", 0 for what is neither.
std::uint16_t parse_key(std::string_view key) noexcept {
  if (key == "4xx" || key == "5xx") return static_cast<std::uint16_t>(key[0] - '0');
  const auto status = parse_uint(key);
  return status && *status >= 400 && *status <= 599 ? static_cast<std::uint16_t>(*status) : std::uint16_t{0};
}

Result<std::string> read_page(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string body;
  // One byte past the bound tells a page that is too large without reading a whole disk image.
  body.resize(kMaxErrorPage + 1);
  file.read(body.data(), static_cast<std::streamsize>(body.size()));
  if (!file.is_open() || file.bad())
    return self_error(ErrorKind::kConfig, errno_text(fmt::format("cannot read error page \"{}\"", path), errno));
  body.resize(static_cast<std::size_t>(file.gcount()));
  if (body.size() > kMaxErrorPage)
    return self_error(ErrorKind::kConfig, fmt::format("error page \"{}\" is larger than 1 MiB", path));
  body.shrink_to_fit();
  return body;
}

/// How much an Accept element says about a media type: nothing, "*/*", "type/*", the type itself.
int specificity(std::string_view range, std::string_view type) noexcept {
  if (range == "*/*") return 1;
  if (range.ends_with("/*"))
    return iequals(range.substr(0, range.size() - 1), type.substr(0, range.size() - 1)) ? 2 : 0;
  return iequals(range, type) ? 3 : 0;
}

/// "0.8" as 800; RFC 9110 section 12.4.2 allows three digits. What is malformed counts as 0.
int parse_quality(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return 0;
  if (text.size() > 1 && text[1] != '.') return 0;
  int value = (text[0] - '0') * 1000;
  int unit = 100;
  for (std::size_t i = 2; i < text.size(); ++i, unit /= 10) {
    if (text[i] < '0' || text[i] > '9') return 0;
    value += (text[i] - '0') * unit;
  }
  return std::min(value, 1000);
}

/// How well `accept` likes `type`: quality, then how plainly it was asked for, then how early.
std::tuple<int, int, int> liking(std::string_view accept, std::string_view type) {
  std::tuple<int, int, int> best{0, 0, 0};
  int position = 0;
  for (const std::string_view element : split(accept, ',')) {
    --position;
    const auto parameters = split(element, ';');
    const int specific = specificity(trim(parameters.front()), type);
    if (specific <= std::get<1>(best)) continue;
    int quality = 1000;
    for (std::size_t i = 1; i < parameters.size(); ++i) {
      const std::string_view parameter = trim(parameters[i]);
      if (parameter.starts_with("q=") || parameter.starts_with("Q=")) quality = parse_quality(parameter.substr(2));
    }
    best = {quality, specific, position};
  }
  return std::get<0>(best) == 0 ? std::tuple{0, 0, 0} : best;
}

void append_html_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
}

std::string html_page(std::uint16_t status, std::string_view reason, std::string_view request_id) {
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0} {1}</title>\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n"
      "<style>body{{font-family:sans-serif;max-width:30em;margin:20vh auto 0;padding:0 1em}}"
      "small{{color:#767676}}</style></head>\n<body><h1>{0} {1}</h1>\n",
      status, reason);
  if (!request_id.empty()) {
    out += "<p><small>Request ";
    append_html_escaped(out, request_id);
    out += "</small></p>\n";
  }
  out += "</body></html>\n";
  return out;
}

std::string json_page(std::uint16_t status, std::string_view reason, std::string_view request_id) {
  std::string out = fmt::format("{{\"status\":{},\"title\":\"{}\"", status, reason);
  if (!request_id.empty()) {
    out += ",\"request_id\":\"";
    append_json_escaped(out, request_id);
    out += '"';
  }
  out += "}\n";
  return out;
}

}  // namespace

Result<ErrorPages> ErrorPages::load(const ErrorPageOptions& options) {
  ErrorPages out;
  for (const auto& [key, path] : options) {
    const std::uint16_t status = parse_key(key);
    if (status == 0)
      return self_error(ErrorKind::kConfig,
                        fmt::format("\"{}\" is no status of an error: 400 to 599, 4xx or 5xx", key));
    RPX_TRY(std::string body, read_page(path));
    std::string_view type = kHtml;
    for (const FileType& row : kFileTypes)
      if (path.size() > row.suffix.size() &&
          iequals(std::string_view(path).substr(path.size() - row.suffix.size()), row.suffix))
        type = row.content_type;
    out.pages_[status] = {type, std::move(body)};
  }
  return out;
}

ErrorPage ErrorPages::find(std::uint16_t status) const noexcept {
  auto found = pages_.find(status);
  if (found == pages_.end()) found = pages_.find(static_cast<std::uint16_t>(status / 100));
  if (found == pages_.end()) return {};
  return {found->second.content_type, found->second.body};
}

BuiltInPage built_in_page(std::uint16_t status, std::string_view accept, std::string_view request_id) {
  const std::string_view reason = http::reason_phrase(status);
  const auto text = liking(accept, "text/plain");
  const auto html = liking(accept, "text/html");
  const auto json = liking(accept, "application/json");
  if (html > text && html >= json) return {kHtml, html_page(status, reason, request_id)};
  if (json > text) return {kJson, json_page(status, reason, request_id)};
  std::string body = fmt::format("{} {}\n", status, reason);
  if (!request_id.empty()) body += fmt::format("Request {}\n", request_id);
  return {kText, std::move(body)};
}

}  // namespace rpx::policy
