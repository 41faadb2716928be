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
using policy::BasicAuthOptions;
using policy::ForwardAuthOptions;
using policy::JwtOptions;
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

constexpr Key kBasicAuthKeys[] = {
    key("file", kFilePath, at<&BasicAuthOptions::file>, "",
        "file with a line name:hash for each client, hashed by bcrypt, yescrypt or sha512-crypt, as htpasswd -B and mkpasswd "
        "do; read again when it changes", {.example = R"("users.htpasswd")", .check = check_passwords, .required = true}),
    key("realm", kText, at<&BasicAuthOptions::realm>, R"("rpx")", "what clients are asked to log in to", {.check = check_field_value}),
    key("remember", kDuration, at<&BasicAuthOptions::remember>, R"("5m")",
        "how long a password that was right is not hashed again; 0 = it always is"),
    key("forward", kBool, at<&BasicAuthOptions::forward>, "true",
        "servers get the client's Authorization field; its name is {user} in request_headers, either way"),
};
constexpr Section kBasicAuth = {"basic_auth", "Clients log in with name and password, or get 401.", Shape::kTable, kBasicAuthKeys};

constexpr Key kForwardAuthKeys[] = {
    key("url", kText, at<&ForwardAuthOptions::url>, "",
        "what is asked, with GET, for each request: a server and a path; or, with upstream, a path. The question has the "
        "request's fields, X-Forwarded-Method and X-Forwarded-Uri; an answer of 2xx lets the request on, any other is the client's",
        {.example = R"("http://127.0.0.1:9091/verify")", .check = check_auth_url, .required = true}),
    key("upstream", kText, at<&ForwardAuthOptions::upstream>, R"("")", "name of an upstream to ask, instead of a server in url"),
    key("request_headers", kTexts, at<&ForwardAuthOptions::request_headers>, "[]",
        "fields of the request that are shown; [] = all but those about its body", {.check = check_token}),
    key("response_headers", kTexts, at<&ForwardAuthOptions::response_headers>, "[]",
        "fields of the answer that the request goes on with; what clients send under these names is taken out",
        {.check = check_token}),
    key("user", kText, at<&ForwardAuthOptions::user>, R"("")",
        "field of the answer that is {user} in header rules and log lines; \"\" = none"),
    key("timeout", kDuration, at<&ForwardAuthOptions::timeout>, R"("5s")",
        "for the answer; without one the client gets 504", {.zero = Zero::kRefused}),
};
constexpr Section kForwardAuth = {"forward_auth", "A server is asked whether a request may go on.", Shape::kTable, kForwardAuthKeys,
                                  {}, {}, check_forward_auth};

constexpr Key kJwtKeys[] = {
    key("file", kFilePath, at<&JwtOptions::file>, R"("")",
        "the keys that tokens are signed with, a JWK set as of RFC 7517; read again when it changes",
        {.example = R"("keys.json")", .start = R"("keys.json")", .check = check_keys}),
    key("url", kText, at<&JwtOptions::url>, R"("")",
        "where the keys are, instead of file: a server and a path; or, with upstream, a path. Secrets (kty oct) are taken "
        "from a file alone; a key that is too weak or wrongly made is left out, the others hold",
        {.example = R"("https://login.example/.well-known/jwks.json")", .check = check_keys_url}),
    key("upstream", kText, at<&JwtOptions::upstream>, R"("")", "name of an upstream to fetch them from, instead of a server in url"),
    key("algorithms", kTexts, at<&JwtOptions::algorithms>, "[]",
        "the only ones that are taken; [] = all that fit the kind of the key. \"none\" never is",
        {.choices = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519 Ed448 HS256 HS384 HS512"}),
    key("issuer", kTexts, at<&JwtOptions::issuer>, "[]", "who has to have made it (iss): one of these; [] = anybody with a key"),
    key("audience", kTexts, at<&JwtOptions::audience>, "[]",
        "whom it has to be for (aud): one of these; [] = anybody, for issuers that serve nobody else"),
    key("claims", kNameValues, at<&JwtOptions::claims>, "{}",
        "what it has to say besides, or the client gets 403: the text, one of a list, the words of scope; \"*\": anything; a "
        "name such as \"realm_access.roles\" leads into objects"),
    key("leeway", kDuration, at<&JwtOptions::leeway>, R"("30s")", "how far clocks may differ, for exp and nbf"),
    key("expires", kBool, at<&JwtOptions::expires>, "true", "a token without an end (exp) is refused"),
    key("cookie", kText, at<&JwtOptions::cookie>, R"("")",
        "a cookie that holds it, where Authorization does not; \"\" = none", {.check = check_cookie_name}),
    key("user", kText, at<&JwtOptions::user>, R"("sub")", "the claim that is {user} in header rules, limits and log lines"),
    key("headers", kNameValues, at<&JwtOptions::headers>, "{}",
        "header fields for servers, with the claims they tell: { \"X-User\" = \"sub\" }; what clients send under these names "
        "is taken out", {.check_name = check_claim_field}),
    key("forward", kBool, at<&JwtOptions::forward>, "true", "servers get the token"),
    key("realm", kText, at<&JwtOptions::realm>, R"("rpx")", "what clients are asked to log in to", {.check = check_field_value}),
    key("remember", kDuration, at<&JwtOptions::remember>, R"("5m")",
        "how long a token that was good is not verified again, while it lasts; 0 = it always is"),
    key("refresh", kDuration, at<&JwtOptions::refresh>, R"("10m")",
        "the keys of url are fetched again after so long; requests do not wait", {.zero = Zero::kRefused}),
    key("unknown_key", kDuration, at<&JwtOptions::unknown_key>, R"("10s")",
        "a token signed with a key that is not known has them fetched at once, at most so often"),
    key("timeout", kDuration, at<&JwtOptions::timeout>, R"("5s")", "for fetching the keys", {.zero = Zero::kRefused}),
};
constexpr Section kJwt = {"jwt", "Clients show a signed token (RFC 7519), or get 401 as RFC 6750 has it.", Shape::kTable, kJwtKeys,
                          {}, {}, check_jwt};

constexpr Key kAccessKeys[] = {
    list("rules", kAccessRules, at<&AccessOptions::rules>, kAccessRule, "in order; none = everybody is allowed",
         {.example = R"([{ allow = ["10.0.0.0/8", "fd00::/8"] }, { deny = ["all"] }])"}),
    key("methods", kTexts, at<&AccessOptions::methods>, "[]",
        "other methods get 405; none = any", {.check = check_method}),
    table("basic_auth", kTable, at<&AccessOptions::basic_auth>, kBasicAuth),
    table("forward_auth", kTable, at<&AccessOptions::forward_auth>, kForwardAuth),
    table("jwt", kTable, at<&AccessOptions::jwt>, kJwt),
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
