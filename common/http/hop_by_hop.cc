#include "http/hop_by_hop.h"

#include "base/text.h"

namespace rpx::http {
namespace {

using enum FieldId;

bool ends_here(FieldId id) noexcept {
  switch (id) {
    case kConnection:
    case kContentLength:
    case kHttp2Settings:
    case kKeepAlive:
    case kProxyAuthenticate:
    case kProxyAuthorization:
    case kProxyConnection:
    case kTe:
    case kTransferEncoding:
    case kUpgrade: return true;
    default: return false;
  }
}

/// Whether Connection may take this field out. A peer that names Cookie or X-Forwarded-For there wants the next hop
/// to see a request that was never made, so the fields that we or servers commonly rely on stay.
bool may_be_listed(const Field& field) noexcept {
  if (field.id != kOther) return false;
  constexpr std::string_view kForwarding = "x-forwarded-";
  return !iequals(field.name.substr(0, kForwarding.size()), kForwarding);
}

bool is_listed(const Headers& in, std::string_view name) noexcept {
  for (const Field& field : in)
    if (field.id == kConnection && list_contains(field.value, name)) return true;
  return false;
}

/// Whether Connection lists more than what every connection says.
bool lists_fields(const Headers& in) noexcept {
  for (const Field& field : in)
    if (field.id == kConnection && !iequals(field.value, "keep-alive") && !iequals(field.value, "close")) return true;
  return false;
}

}  // namespace

void copy_end_to_end(const Headers& in, Headers& out) {
  out.clear();
  const bool listed = lists_fields(in);
  for (const Field& field : in) {
    if (ends_here(field.id)) continue;
    if (listed && may_be_listed(field) && is_listed(in, field.name)) continue;
    out.add(field.id, field.name, field.value);
  }
}

}  // namespace rpx::http
