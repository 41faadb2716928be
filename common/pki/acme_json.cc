#include "pki/acme_json.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <fmt/format.h>

#include <sstream>

#include "base/result.h"
#include "base/rfc3339.h"

namespace rpx::pki {
namespace {

using Object = Poco::JSON::Object;

// Calls `take` with the object that `json` is; whatever Poco throws is a reply that makes no sense.
template <class Value, class Take>
Result<Value> read(const std::string& json, Take take) {
  try {
    Poco::JSON::Parser parser;
    const auto object = parser.parse(json).extract<Object::Ptr>();
    return take(*object);
  } catch (const Poco::Exception& error) {
    return upstream_error(ErrorKind::kBadResponse, "JSON that makes no sense: " + error.displayText());
  }
}

std::string text(const Object& object, const std::string& name) {
  const auto value = object.get(name);
  return value.isString() ? value.extract<std::string>() : std::string();
}

std::string problem_text(const Object& object) {
  const std::string detail = text(object, "detail");
  return detail.empty() ? text(object, "type") : detail;
}

std::string error_of(const Object& object) {
  const auto error = object.getObject("error");
  return error.isNull() ? std::string() : problem_text(*error);
}

}  // namespace

Result<AcmeDirectory> parse_directory(const std::string& json) {
  return read<AcmeDirectory>(json, [](const Object& object) -> Result<AcmeDirectory> {
    AcmeDirectory out{.new_nonce = text(object, "newNonce"),
                      .new_account = text(object, "newAccount"),
                      .new_order = text(object, "newOrder"),
                      .revoke = text(object, "revokeCert"),
                      .renewal_info = text(object, "renewalInfo"),
                      .terms = {}};
    if (const auto meta = object.getObject("meta"); !meta.isNull()) {
      out.terms = text(*meta, "termsOfService");
      const auto required = meta->get("externalAccountRequired");
      out.needs_external_account = required.isBoolean() && required.extract<bool>();
    }
    if (out.new_nonce.empty() || out.new_account.empty() || out.new_order.empty())
      return upstream_error(ErrorKind::kBadResponse, "this is no ACME directory");
    return out;
  });
}

Result<AcmeOrder> parse_order(const std::string& json) {
  return read<AcmeOrder>(json, [](const Object& object) -> Result<AcmeOrder> {
    AcmeOrder out{.status = text(object, "status"),
                  .authorizations = {},
                  .finalize = text(object, "finalize"),
                  .certificate = text(object, "certificate"),
                  .error = error_of(object)};
    const auto list = object.getArray("authorizations");
    for (std::size_t i = 0; !list.isNull() && i < list->size(); ++i) {
      const auto url = list->get(static_cast<unsigned>(i));
      if (!url.isString()) return upstream_error(ErrorKind::kBadResponse, "an order whose authorizations are no URLs");
      out.authorizations.push_back(url.extract<std::string>());
    }
    if (out.status.empty()) return upstream_error(ErrorKind::kBadResponse, "an order without a status");
    return out;
  });
}

Result<AcmeAuthorization> parse_authorization(const std::string& json, std::string_view challenge) {
  return read<AcmeAuthorization>(json, [challenge](const Object& object) -> Result<AcmeAuthorization> {
    AcmeAuthorization out{.status = text(object, "status"), .name = {}, .url = {}, .token = {}, .error = {}};
    if (const auto identifier = object.getObject("identifier"); !identifier.isNull())
      out.name = text(*identifier, "value");
    const auto list = object.getArray("challenges");
    for (std::size_t i = 0; !list.isNull() && i < list->size(); ++i) {
      const auto one = list->getObject(static_cast<unsigned>(i));
      if (one.isNull()) continue;
      if (out.error.empty()) out.error = error_of(*one);
      if (text(*one, "type") != challenge) continue;
      out.url = text(*one, "url");
      out.token = text(*one, "token");
    }
    // It goes into a path and a file: base64url and nothing else (RFC 8555 section 8.1).
    const bool sane = std::ranges::all_of(out.token, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
    if (out.status.empty() || !sane)
      return upstream_error(ErrorKind::kBadResponse, "an authorization that makes no sense");
    return out;
  });
}

Result<RenewalWindow> parse_renewal(const std::string& json) {
  return read<RenewalWindow>(json, [](const Object& object) -> Result<RenewalWindow> {
    const auto window = object.getObject("suggestedWindow");
    const auto from = window.isNull() ? std::nullopt : parse_rfc3339(text(*window, "start"));
    const auto until = window.isNull() ? std::nullopt : parse_rfc3339(text(*window, "end"));
    if (!from || !until || *until < *from)
      return upstream_error(ErrorKind::kBadResponse, "a renewal window that makes no sense");
    return RenewalWindow{.from = *from, .until = *until};
  });
}

AcmeProblem parse_problem(const std::string& json) {
  static constexpr std::string_view kPrefix = "urn:ietf:params:acme:error:";
  const auto parsed = read<AcmeProblem>(json, [](const Object& object) -> Result<AcmeProblem> {
    AcmeProblem out{.type = text(object, "type"), .text = problem_text(object)};
    if (out.type.starts_with(kPrefix)) out.type.erase(0, kPrefix.size());
    return out;
  });
  return parsed ? *parsed : AcmeProblem{.type = {}, .text = "it gives no reason"};
}

std::string json_text(std::string_view value) {
  std::ostringstream out;
  Poco::JSON::Stringifier::formatString(std::string(value), out);
  return out.str();
}

}  // namespace rpx::pki
