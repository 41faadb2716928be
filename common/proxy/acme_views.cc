#include "proxy/acme_views.h"

#include <fmt/format.h>

#include <functional>
#include <iterator>

namespace rpx::proxy {
namespace {

std::int64_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

void add_family(std::string& out, const AcmeView& view, std::string_view name, std::string_view help,
                const std::function<std::int64_t(const AcmeNameView&)>& value) {
  fmt::format_to(std::back_inserter(out), "# HELP {0} {1}\n# TYPE {0} gauge\n", name, help);
  for (const AcmeNameView& one : view.names)
    fmt::format_to(std::back_inserter(out), "{}{{name=\"{}\"}} {}\n", name, one.name, value(one));
}

}  // namespace

std::string write_acme_metrics(const AcmeView& view) {
  std::string out;
  if (view.directory.empty()) return out;
  add_family(out, view, "rpx_acme_not_after_seconds",
             "When the certificate that was obtained ends, in seconds since 1970; 0 = there is none.",
             [](const AcmeNameView& one) { return seconds_of(one.until); });
  add_family(out, view, "rpx_acme_renew_seconds", "When it is to be renewed, in seconds since 1970; 0 = not known.",
             [](const AcmeNameView& one) { return seconds_of(one.renew); });
  add_family(out, view, "rpx_acme_failures", "Attempts in a row that have failed; 0 = the last one did not.",
             [](const AcmeNameView& one) { return std::int64_t{one.failures}; });
  fmt::format_to(std::back_inserter(out),
                 "# HELP rpx_acme_attempts_total Attempts to obtain a certificate, by what came of them.\n"
                 "# TYPE rpx_acme_attempts_total counter\nrpx_acme_attempts_total{{result=\"obtained\"}} {}\n"
                 "rpx_acme_attempts_total{{result=\"failed\"}} {}\n",
                 view.obtained, view.failed);
  return out;
}

}  // namespace rpx::proxy
