#include "policy/text_template.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/result.h"
#include "base/text.h"
#include "policy/field_name.h"

namespace rpx::policy {
namespace {

using enum Variable;
constexpr TemplateUse kRequest = TemplateUse::kRequest;
constexpr TemplateUse kResponse = TemplateUse::kResponse;
constexpr TemplateUse kLog = TemplateUse::kLog;

/// A variable: what it is called, from when on it has a value, and whether it is written {name:ARGUMENT}.
struct Row {
  std::string_view name;
  Variable variable;
  TemplateUse from;
  bool has_argument = false;
};

constexpr std::array<Row, 32> kRows{{
    {"client", kClient, kRequest},
    {"peer", kPeer, kRequest},
    {"method", kMethod, kRequest},
    {"scheme", kScheme, kRequest},
    {"host", kHost, kRequest},
    {"authority", kAuthority, kRequest},
    {"path", kPath, kRequest},
    {"query", kQuery, kRequest},
    {"target", kTarget, kRequest},
    {"request_id", kRequestId, kRequest},
    {"route", kRoute, kRequest},
    {"listener", kListener, kRequest},
    {"protocol", kProtocol, kRequest},
    {"header", kHeader, kRequest, true},
    {"cookie", kCookie, kRequest, true},
    {"user", kUser, kRequest},
    {"client_cert_subject", kClientCertSubject, kRequest},
    {"client_cert_fingerprint", kClientCertFingerprint, kRequest},
    {"status", kStatus, kResponse},
    {"upstream", kUpstream, kResponse},
    {"server", kServer, kResponse},
    {"response_header", kResponseHeader, kResponse, true},
    {"bytes_received", kBytesReceived, kLog},
    {"bytes_sent", kBytesSent, kLog},
    {"tries", kTries, kLog},
    {"reason", kReason, kLog},
    {"time", kTime, kLog},
    {"time_common", kTimeCommon, kLog},
    {"duration", kDuration, kLog},
    {"queue_time", kQueueTime, kLog},
    {"connect_time", kConnectTime, kLog},
    {"first_byte_time", kFirstByteTime, kLog},
}};

std::string unknown(std::string_view name, TemplateUse use) {
  std::array<std::string_view, kRows.size()> usable;
  std::size_t count = 0;
  for (const Row& row : kRows)
    if (row.from <= use) usable[count++] = row.name;
  const std::string_view near = did_you_mean(name, std::span(usable).first(count));
  std::string text = fmt::format("unknown variable \"{{{}}}\"", name);
  if (!near.empty()) text += fmt::format("; did you mean \"{{{}}}\"?", near);
  return text;
}

constexpr std::string_view kClientSlash = "client/";

/// "24" or "24/56" behind "client/", as "24/56".
Result<TemplatePart> parse_client_prefix(std::string_view bits) {
  const std::size_t slash = bits.find('/');
  const auto v4 = parse_uint(bits.substr(0, slash));
  const auto v6 =
      slash == std::string_view::npos ? std::optional<std::uint64_t>(64) : parse_uint(bits.substr(slash + 1));
  if (!v4 || !v6 || *v4 > 32 || *v6 > 128)
    return self_error(
        ErrorKind::kConfig,
        fmt::format("\"{{client/{}}}\": expected {{client/24}}, or {{client/24/56}} with the bits of IPv6", bits));
  return TemplatePart{kClientPrefix, fmt::format("{}/{}", *v4, *v6)};
}

/// The part that the text between two braces stands for.
Result<TemplatePart> parse_variable(std::string_view inside, TemplateUse use) {
  if (inside.starts_with(kClientSlash)) return parse_client_prefix(inside.substr(kClientSlash.size()));
  const std::size_t colon = inside.find(':');
  const std::string_view name = inside.substr(0, colon);
  const std::string_view argument = colon == std::string_view::npos ? std::string_view() : inside.substr(colon + 1);
  for (const Row& row : kRows) {
    if (row.name != name) continue;
    if (row.from > use)
      return self_error(ErrorKind::kConfig, fmt::format("\"{{{}}}\" has no value here; {}", inside,
                                                        row.from == kLog ? "only log lines can show it"
                                                                         : "it is known only once there is a reply"));
    if (row.has_argument && !is_token(argument))
      return self_error(ErrorKind::kConfig, fmt::format("\"{{{}}}\" needs a name: {{{}:NAME}}", inside, name));
    if (!row.has_argument && colon != std::string_view::npos)
      return self_error(ErrorKind::kConfig, fmt::format("\"{{{}}}\": {{{}}} takes no name", inside, name));
    return TemplatePart{row.variable, std::string(argument)};
  }
  return self_error(ErrorKind::kConfig, unknown(name, use));
}

}  // namespace

Result<TextTemplate> TextTemplate::parse(std::string_view text, TemplateUse use) {
  TextTemplate out;
  std::string literal;
  const auto end_literal = [&] {
    if (!literal.empty()) out.parts_.push_back({kLiteral, std::exchange(literal, {})});
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != '{' && c != '}') {
      literal += c;
      continue;
    }
    if (i + 1 < text.size() && text[i + 1] == c) {
      literal += c;
      ++i;
      continue;
    }
    if (c == '}') return self_error(ErrorKind::kConfig, "\"}\" closes nothing; a plain brace is written \"}}\"");
    const std::size_t end = text.find_first_of("{}", i + 1);
    if (end == std::string_view::npos || text[end] == '{')
      return self_error(ErrorKind::kConfig, "\"{\" is not closed; a plain brace is written \"{{\"");
    end_literal();
    RPX_TRY(TemplatePart part, parse_variable(text.substr(i + 1, end - i - 1), use));
    out.parts_.push_back(std::move(part));
    i = end;
  }
  end_literal();
  return out;
}

void TextTemplate::narrow_clients() {
  for (TemplatePart& part : parts_)
    if (part.variable == kClient) part = {kClientPrefix, "32/64"};
}

bool TextTemplate::is_literal() const noexcept {
  return parts_.empty() || (parts_.size() == 1 && parts_.front().variable == kLiteral);
}

std::string_view TextTemplate::literal() const noexcept {
  return is_literal() && !parts_.empty() ? std::string_view(parts_.front().text) : std::string_view();
}

}  // namespace rpx::policy
