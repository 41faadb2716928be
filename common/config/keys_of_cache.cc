#include "cache/options.h"
#include "config/checks.h"
#include "config/keys_of.h"
#include "config/kinds.h"
#include "config/site.h"

namespace rpx::config {
namespace {

using cache::BypassOptions;
using cache::CacheOptions;
using cache::DiskOptions;

// clang-format off
constexpr Key kDiskKeys[] = {
    key("path", kFolder, at<&DiskOptions::path>, "",
        "folder of its own, made where there is none; two processes cannot use one at the same time",
        {.example = R"("cache/")", .required = true}),
    key("size", kSize, at<&DiskOptions::size>, R"("10GiB")",
        "for all files in it together; the oldest objects that nobody wants give way", {.least = 1048576, .most = Size{1} << 50U}),
};
constexpr Section kDisk = {"disk", "Where objects are kept, too, so that they survive restarts and crashes; what is read of them is in memory from then on, but large ones, which are sent piece by piece until they are wanted again and again. What compress has made of them is kept with them. Without this table memory is all there is.",
                           Shape::kTable, kDiskKeys};

constexpr Key kBypassKeys[] = {
    key("path", kText, at<&BypassOptions::path>, R"("")",
        "a path, or all below one with /*; \"\" = any", {.check = check_access_path}),
    key("header", kNameValues, at<&BypassOptions::header>, "{}",
        "request headers and their values; \"*\" = any value", {.example = R"({ "X-Preview" = "*" })", .check_name = check_token}),
    key("cookie", kText, at<&BypassOptions::cookie>, R"("")",
        "the name of a cookie that the request has; \"*\" stands for any text", {.example = R"("session*")"}),
    key("query", kText, at<&BypassOptions::query>, R"("")",
        "the name of a query parameter that the request has; \"*\" stands for any text", {.example = R"("preview")"}),
};
constexpr Section kBypassRule = {"bypass", "A rule is about requests that have all it names.", Shape::kTables, kBypassKeys};

constexpr Key kCacheKeys[] = {
    key("memory", kSize, at<&CacheOptions::memory>, R"("256MiB")",
        "for all objects together, their heads and keys included; one that is larger is kept on the disk alone, where there is "
        "one", {.least = 65536, .most = Size{1} << 50U}),
    table("disk", kTable, at<&CacheOptions::disk>, kDisk),
    key("max_object", kSize, at<&CacheOptions::max_object>, R"("64MiB")",
        "a reply with a larger body is passed on, not stored", {.least = 1}),
    key("default_ttl", kDuration, at<&CacheOptions::default_ttl>, R"("0s")",
        "how long a reply that states no freshness is fresh, at most: a tenth of the time since its Last-Modified; "
        "0 = it is validated each time"),
    key("heuristic_ttl", kDuration, at<&CacheOptions::heuristic_ttl>, R"("0s")",
        "the most for replies that have a Last-Modified, where it differs from default_ttl; 0 = it does not"),
    key("status_ttl", kStatusTtl, at<&CacheOptions::status_ttl>, "{}",
        "the same by status, in place of both: also for statuses that are not stored otherwise unless the reply says how "
        "long it is fresh; \"0s\" = not stored", {.example = R"({ "404" = "1m", "5xx" = "5s" })"}),
    key("methods", kTexts, at<&CacheOptions::methods>, R"(["GET", "HEAD"])",
        "methods that are answered from the cache", {.choices = "GET HEAD"}),
    key("key", kText, at<&CacheOptions::key>, R"("{scheme}{host}{path}{query}")",
        "what makes objects differ: {scheme}, {host}, {path}, {query}, {header:NAME} and text", {.check = check_cache_key}),
    key("ignore_query", kTexts, at<&CacheOptions::ignore_query>, "[]",
        "query parameters that make no difference; \"*\" stands for any text", {.example = R"(["utm_*", "fbclid"])"}),
    only("vary", kOnlyBool, "true", "replies are told apart by the fields that their Vary names"),
    list("bypass", kBypassRules, at<&CacheOptions::bypass>, kBypassRule,
         "requests that are not answered from the cache, and whose replies are not stored; any rule will do",
         {.example = R"([{ path = "/account/*" }, { cookie = "session*" }])"}),
    key("purge", kText, at<&CacheOptions::purge>, R"("")",
        "name of the access table whose rules say who may purge with the method PURGE: the URL it names, what begins with "
        "it where it ends in *, or the tags in the request's header that tags names; with \"Purge-Mode: soft\" they become "
        "stale; \"\" = PURGE is a method like others", {.example = R"("office")"}),
    key("collapse", kDuration, at<&CacheOptions::collapse>, R"("5s")",
        "how long misses of one object wait for the head of the reply to the first of them, whose body they then get as "
        "it comes, also when the first one leaves; when all have left the fill ends; one of unknown length that outgrows "
        "max_object is cut for those; 0 = they do not wait"),
    key("stale_while_revalidate", kDuration, at<&CacheOptions::stale_while_revalidate>, R"("0s")",
        "how long a stale object is sent while it is validated, where the origin states none"),
    key("stale_if_error", kDuration, at<&CacheOptions::stale_if_error>, R"("0s")",
        "how long a stale object is sent when the origin fails, where the origin states none"),
    key("status_header", kBool, at<&CacheOptions::status_header>, "true",
        "tell clients in Cache-Status how a reply came about (RFC 9211)"),
    key("tags", kText, at<&CacheOptions::tags>, R"("Surrogate-Key")",
        "header of replies whose words are tags to purge by; \"\" = none", {.check = check_tag_field}),
};
// clang-format on

}  // namespace

constinit const Section kCacheSection = {
    "cache",
    "What is stored of replies, and for how long, named for the routes that want it. What a reply says of itself comes "
    "first (RFC 9111): no-store, private or no-cache=\"Set-Cookie\" keep it from others, also where it sets a cookie.",
    Shape::kNamed, kCacheKeys};

}  // namespace rpx::config
