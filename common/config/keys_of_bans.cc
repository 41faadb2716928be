#include "config/keys_of.h"
#include "config/kinds.h"
#include "config/kinds_of_protection.h"
#include "config/site.h"
#include "policy/ban.h"

namespace rpx::config {
namespace {

using policy::BanOptions;
using policy::BanWhen;

// clang-format off
constexpr Key kWhenKeys[] = {
    key("status", kStatuses, at<&BanWhen::status>, "",
        "statuses of replies that are counted, whoever gave them; an HTTP/2 connection that is ended for a flood counts "
        "as a 429, one that breaks the protocol as a 400", {.example = "[401, 403, 404, 429]", .required = true}),
    key("count", kCount, at<&BanWhen::count>, "50",
        "so many of them are too many", {.least = 1, .most = 1'000'000, .unit = "replies"}),
    key("within", kDuration, at<&BanWhen::within>, R"("1m")", "when they come within this time", {.zero = Zero::kRefused}),
};
constexpr Section kWhen = {"when", "What is counted, for each address of IPv4 and each /64 of IPv6.", Shape::kTable, kWhenKeys};

constexpr Key kBanKeys[] = {
    table("when", kTable, at<&BanOptions::when>, kWhen),
    key("for", kDuration, at<&BanOptions::lasting>, R"("10m")",
        "how long a client is blocked the first time; each further time twice as long as the one before", {.zero = Zero::kRefused}),
    key("max", kDuration, at<&BanOptions::most>, R"("1d")",
        "longest ban; for so long after its end it is remembered, too", {.zero = Zero::kRefused}),
    key("anyone", kBool, at<&BanOptions::anyone>, "false",
        "ban loopback and the addresses of trusted_proxies and proxy_protocol as well"),
};
// clang-format on

}  // namespace

constinit const Section kBanSection = {
    "ban",
    "Clients that get too many replies of a kind are blocked for a while: they are in the blocklist, with the source "
    "\"ban\", also where there is no [blocklist]; where there is, in its first file.",
    Shape::kTables,
    kBanKeys,
    {},
    {},
    nullptr,
    kAllKeys,
    true};

}  // namespace rpx::config
