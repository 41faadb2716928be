#include "cache/options.h"
#include "config/checks.h"
#include "config/keys_of.h"
#include "config/kinds.h"

namespace rpx::config {
namespace {

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
constexpr Section kDisk = {"disk", "Where objects are kept, too, so that they survive restarts and crashes; what is read of them is in memory from then on. Without this table memory is all there is.",
                           Shape::kTable, kDiskKeys};

constexpr Key kCacheKeys[] = {
    key("memory", kSize, at<&CacheOptions::memory>, R"("256MiB")",
        "for all objects together, their heads and keys included", {.least = 65536, .most = Size{1} << 50U}),
    table("disk", kTable, at<&CacheOptions::disk>, kDisk),
    key("max_object", kSize, at<&CacheOptions::max_object>, R"("64MiB")",
        "a reply with a larger body is passed on, not stored", {.least = 1}),
    key("default_ttl", kDuration, at<&CacheOptions::default_ttl>, R"("0s")",
        "how long a reply that states no freshness is fresh, at most: a tenth of the time since its Last-Modified; "
        "0 = it is validated each time"),
    key("heuristic_ttl", kDuration, at<&CacheOptions::heuristic_ttl>, R"("0s")",
        "the most for replies that have a Last-Modified, where it differs from default_ttl; 0 = it does not"),
    key("methods", kTexts, at<&CacheOptions::methods>, R"(["GET", "HEAD"])",
        "methods that are answered from the cache", {.choices = "GET HEAD"}),
    key("key", kText, at<&CacheOptions::key>, R"("{scheme}{host}{path}{query}")",
        "what makes objects differ: {scheme}, {host}, {path}, {query}, {header:NAME} and text", {.check = check_cache_key}),
    key("ignore_query", kTexts, at<&CacheOptions::ignore_query>, "[]",
        "query parameters that make no difference; \"*\" stands for any text", {.example = R"(["utm_*", "fbclid"])"}),
    only("vary", kOnlyBool, "true", "replies are told apart by the fields that their Vary names"),
    key("collapse", kDuration, at<&CacheOptions::collapse>, R"("5s")",
        "how long misses of one object wait for the first of them; 0 = they do not"),
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
