#include "policy/values.h"

#include <fmt/format.h>

#include <iterator>

#include "base/ip.h"
#include "base/text.h"

namespace rpx::policy {
namespace {

// `bits` is "24/56", for IPv4 and IPv6. Who has no address is one client.
void append_client_prefix(std::string& out, std::string_view bits, std::string_view client) {
  const auto ip = IpAddress::parse(client);
  if (!ip) {
    out += client;
    return;
  }
  const std::size_t slash = bits.find('/');
  const auto count = parse_uint(ip->is_v4() ? bits.substr(0, slash) : bits.substr(slash + 1));
  if (ip->is_v4() && count == 32)
    out += client;
  else
    out += IpPrefix::parse(fmt::format("{}/{}", client, count.value_or(0))).value_or(IpPrefix{}).to_string();
}

}  // namespace

void append_value(std::string& out, const TemplatePart& part, const Values& values) {
  const http::RequestHead& request = values.request;
  switch (part.variable) {
    case Variable::kLiteral: out += part.text; return;
    case Variable::kClient: out += values.client; return;
    case Variable::kClientPrefix: append_client_prefix(out, part.text, values.client); return;
    case Variable::kPeer: out += values.peer; return;
    case Variable::kMethod: out += request.method_name; return;
    case Variable::kScheme: out += values.scheme; return;
    case Variable::kHost: out += host_of(values.authority); return;
    case Variable::kAuthority: out += values.authority; return;
    case Variable::kPath: out += request.target.path; return;
    case Variable::kQuery: out += request.target.query; return;
    case Variable::kTarget: (out += request.target.path) += request.target.query; return;
    case Variable::kRequestId: out += values.request_id; return;
    case Variable::kRoute: out += values.route; return;
    case Variable::kListener: out += values.listener; return;
    case Variable::kProtocol: out += request.minor_version == 0 ? "HTTP/1.0" : "HTTP/1.1"; return;
    case Variable::kHeader: out += request.headers.value(part.text); return;
    case Variable::kCookie: out += cookie_value(request.headers, part.text); return;
    case Variable::kUpstream: out += values.upstream; return;
    case Variable::kServer: out += values.server; return;
    case Variable::kUser: out += values.user; return;
    case Variable::kClientCertSubject: out += values.client_certificate_subject; return;
    case Variable::kClientCertFingerprint: out += values.client_certificate_fingerprint; return;
    case Variable::kStatus:
      if (values.status != 0) fmt::format_to(std::back_inserter(out), "{}", values.status);
      return;
    case Variable::kResponseHeader:
      if (values.response_headers != nullptr) out += values.response_headers->value(part.text);
      return;
    case Variable::kBytesReceived:
    case Variable::kBytesSent:
    case Variable::kTries:
    case Variable::kReason:
    case Variable::kTime:
    case Variable::kTimeCommon:
    case Variable::kDuration:
    case Variable::kQueueTime:
    case Variable::kConnectTime:
    case Variable::kFirstByteTime: return;
  }
}

std::string_view cookie_value(const http::Headers& headers, std::string_view name) noexcept {
  for (const http::Field& field : headers) {
    if (field.id != http::FieldId::kCookie) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t end = rest.find(';');
      const std::string_view pair = trim(rest.substr(0, end));
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
      if (pair.size() > name.size() && pair[name.size()] == '=' && pair.starts_with(name))
        return pair.substr(name.size() + 1);
    }
  }
  return {};
}

std::string_view host_of(std::string_view authority) noexcept {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) return authority;
  return authority.substr(0, colon);
}

}  // namespace rpx::policy
