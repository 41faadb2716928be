#include "config/checks.h"
#include "config/keys_of.h"
#include "config/kinds.h"
#include "config/site.h"
#include "policy/access.h"
#include "policy/rate_limit.h"

namespace rpx::config {
namespace {

using policy::AccessOptions;
using policy::AccessRuleOptions;
using policy::RateLimitOptions;

// clang-format off
constexpr Key kRateLimitKeys[] = {
    key("rate", kRate, at<&RateLimitOptions::rate>, "",
        "requests in the long run, such as \"100/s\", \"30/m\" or \"1000/h\"", {.example = R"("100/s")", .start = R"("100/s")", .required = true}),
    key("burst", kCount, at<&RateLimitOptions::burst>, "1",
        "how many may come at once after a quiet time", {.least = 1, .most = 1'000'000, .unit = "requests"}),
    key("key", kText, at<&RateLimitOptions::key>, R"("{client}")",
        "what is counted apart, as a template: {client}, {client/24}, {client/24/56}, {header:X-Api-Key}, {cookie:sid}, {host}, "
        "{path}; IPv6 clients count by their /64", {.check = check_rate_key}),
    key("status", kStatus, at<&RateLimitOptions::status>, "429",
        "of a refusal, which has Retry-After too", {.least = 400, .most = 599}),
    key("delay", kBool, at<&RateLimitOptions::delay>, "false",
        "hold requests back to the rate, and refuse only what is over the burst"),
    key("dry_run", kBool, at<&RateLimitOptions::dry_run>, "false",
        "refuse nothing: count, and log the reason would_be_limited"),
};

constexpr Key kAccessRuleKeys[] = {
    key("allow", kTexts, at<&AccessRuleOptions::allow>, "[]",
        "addresses that are let through: prefixes, or \"all\"", {.check = check_access_address}),
    key("deny", kTexts, at<&AccessRuleOptions::deny>, "[]",
        "addresses that get 403, instead of allow", {.check = check_access_address}),
    key("methods", kTexts, at<&AccessRuleOptions::methods>, "[]", "only for these methods; none = any", {.check = check_method}),
    key("path", kText, at<&AccessRuleOptions::path>, R"("")",
        "only for this path, or what is below it with /*; \"\" = any", {.check = check_access_path}),
    key("header", kNameValues, at<&AccessRuleOptions::header>, "{}",
        "only with these headers; \"*\" = any value", {.check = check_field_value, .check_name = check_token}),
    key("certificate", kText, at<&AccessRuleOptions::certificate>, R"("")",
        "only with a verified client certificate of this subject or SHA-256 fingerprint; \"*\" = any; \"\" = without too"),
};
constexpr Section kAccessRule = {"rules", "The first rule that matches decides; the last one is about \"all\".", Shape::kTables, kAccessRuleKeys};

constexpr Key kAccessKeys[] = {
    list("rules", kAccessRules, at<&AccessOptions::rules>, kAccessRule, "in order; none = everybody is allowed",
         {.example = R"([{ allow = ["10.0.0.0/8", "fd00::/8"] }, { deny = ["all"] }])"}),
    key("methods", kTexts, at<&AccessOptions::methods>, "[]",
        "other methods get 405; none = any", {.check = check_method}),
    later("basic_auth"), later("forward_auth"), later("jwt"),
};
// clang-format on

}  // namespace

constinit const Section kRateLimitSection = {
    "rate_limit",
    "How many requests are let through, named for the routes that want it. Counted by GCRA, exactly over all workers; "
    "replies say what is left in RateLimit and RateLimit-Policy.",
    Shape::kNamed, kRateLimitKeys};
constinit const Section kAccessSection = {
    "access", "Who may ask, named for the routes that want it.", Shape::kNamed, kAccessKeys, {}, {}, check_access};

}  // namespace rpx::config
