#include "policy/respond.h"

#include <fmt/format.h>

#include "base/result.h"
#include "base/text.h"
#include "policy/error_pages.h"

namespace rpx::policy {

Result<FixedReply> FixedReply::compile(const RespondOptions& options) {
  if (options.status < 200 || options.status > 599)
    return self_error(ErrorKind::kConfig, fmt::format("status {} is not 200 to 599", options.status));
  const bool bodiless = options.status == 204 || options.status == 205 || options.status == 304;
  if (bodiless && !options.body.empty())
    return self_error(ErrorKind::kConfig, fmt::format("a reply with status {} has no body", options.status));
  if (options.body.size() > kMaxErrorPage)
    return self_error(ErrorKind::kConfig, "the body is larger than 1 MiB: let an origin serve it");

  HeaderRuleOptions headers;
  bool has_type = options.body.empty();
  for (const auto& [name, value] : options.headers) {
    headers.add.emplace_back(name, value);
    has_type |= iequals(name, "Content-Type");
  }
  if (!has_type) headers.add.emplace_back("Content-Type", "text/plain; charset=utf-8");
  FixedReply out;
  RPX_TRY(out.headers_, HeaderRules::compile(headers, TemplateUse::kRequest));
  out.status_ = options.status;
  out.body_ = options.body;
  return out;
}

}  // namespace rpx::policy
