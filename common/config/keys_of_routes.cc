#include "config/keys_of.h"

#include "config/checks.h"
#include "config/kinds.h"
#include "config/site.h"
#include "proxy/options.h"

namespace rpx::config {
namespace {

using policy::CompressLevels;
using policy::CompressOptions;
using policy::CompressRequestOptions;
using policy::HeaderRuleOptions;
using policy::MaintenanceOptions;
using policy::RedirectOptions;
using policy::RespondOptions;
using policy::RewriteOptions;
using policy::TemplateUse;
using proxy::MirrorOptions;
using proxy::RouteOptions;
using proxy::RouteTimeouts;

bool read_level_word(std::string_view word, void* field) {
  static_cast<CompressLevels*>(field)->automatic = word == "auto";
  return word == "auto";
}
std::string_view write_level_word(const void* field) {
  return static_cast<const CompressLevels*>(field)->automatic ? "auto" : "";
}

template <TemplateUse Use, HeaderPart Part>
Complaint check_rule(std::string_view text) {
  return check_header_rule(text, Use, Part);
}

// clang-format off
constexpr Key kCompressLevelKeys[] = {
    key("gzip", kCount, at<&CompressLevels::gzip>, "5", "1 (fast) to 9 (small)", {.least = 1, .most = 9}),
    key("br", kCount, at<&CompressLevels::br>, "4", "1 (fast) to 11 (small)", {.least = 1, .most = 11}),
    key("zstd", kCount, at<&CompressLevels::zstd>, "3", "1 (fast) to 19 (small); 6 is smaller than gzip 6, at a quarter of its time", {.least = 1, .most = 19}),
};
constexpr Section kCompressLevel = {"level", "How hard each coding tries; or level = \"auto\": the busier the worker, the less.", Shape::kTable, kCompressLevelKeys,
                                   {}, {}, nullptr, kAllKeys, false, read_level_word, write_level_word};

constexpr Key kCompressRequestsKeys[] = {
    key("encoding", kText, at<&CompressRequestOptions::encoding>, R"("auto")",
        "gzip, br, zstd, auto: the first of `encodings` that a server says it takes (Accept-Encoding in its replies), or off",
        {.choices = "auto gzip br zstd off"}),
    key("min_size", kSize, at<&CompressRequestOptions::min_size>, R"("4KiB")", "shorter bodies go as they are"),
};
constexpr Section kCompressRequests = {"requests", "How request bodies are compressed towards the servers.", Shape::kTable, kCompressRequestsKeys};

constexpr Key kCompressKeys[] = {
    key("encodings", kTexts, at<&CompressOptions::encodings>, R"(["zstd", "br", "gzip"])",
        "codings, the best liked first; the client's weights come before that", {.choices = "zstd br gzip"}),
    table("level", kTable, at<&CompressOptions::level>, kCompressLevel),
    key("min_size", kSize, at<&CompressOptions::min_size>, R"("1KiB")",
        "shorter bodies go as they are; streams, whose length is not known, are coded"),
    key("types", kTexts, at<&CompressOptions::types>,
        R"(["text/*", "application/json", "application/javascript", "application/xml", "image/svg+xml"])",
        "media types that are coded: \"type/subtype\", \"type/*\" or \"*/*\"", {.check = check_media_range}),
    table("requests", kTable, at<&CompressOptions::requests>, kCompressRequests),
    key("decompress_requests", kBool, at<&CompressOptions::decompress_requests>, "false",
        "undo a client's Content-Encoding, for servers that cannot; codings we do not know are answered with 415"),
    key("decompress_replies", kBool, at<&CompressOptions::decompress_replies>, "false",
        "undo a server's Content-Encoding for clients that do not accept it"),
    key("max_ratio", kCount, at<&CompressOptions::max_ratio>, "100",
        "bytes out per byte in of what is decompressed; past it 413, or the reply is cut; 0 = no limit",
        {.most = 1'000'000}),
};

constexpr Key kTimeoutKeys[] = {
    key("response", kDuration, at<&RouteTimeouts::response>, R"("1m")",
        "from the request sent to the head of the reply; 0 = for ever", {.zero = Zero::kUnlimited}),
    key("idle", kDuration, at<&RouteTimeouts::idle>, R"("1m")",
        "between two pieces of the reply, and in a tunnel; 0 = for ever", {.zero = Zero::kUnlimited}),
};
constexpr Section kTimeout = {"timeout", "How long a server may take.", Shape::kTable, kTimeoutKeys};

constexpr Key kMirrorKeys[] = {
    key("upstream", kText, at<&MirrorOptions::upstream>, "",
        "upstream that gets the copies: its name, or the URL of a server",
        {.example = R"("shadow")", .required = true}),
    key("percent", kCount, at<&MirrorOptions::percent>, "100", "share of the requests that are copied", {.most = 100}),
    key("timeout", kDuration, at<&MirrorOptions::timeout>, R"("5s")",
        "how long a copy may take, from the connect to the end of its reply", {.zero = Zero::kRefused}),
    key("body", kSize, at<&MirrorOptions::body>, R"("64KiB")",
        "a request with a longer body is not copied", {.most = Size{64} * 1024 * 1024}),
    key("max_pending", kCount, at<&MirrorOptions::max_pending>, "100",
        "copies that may be under way at once, of each worker; while there are more, none is made",
        {.least = 1, .most = 100'000, .unit = "copies"}),
};
constexpr Section kMirror = {"mirror", "Sends copies of the requests that go to the servers to another upstream; what it answers is thrown away, and no client waits for it.", Shape::kTable, kMirrorKeys};

constexpr Key kRewriteKeys[] = {
    key("from", kText, at<&RewriteOptions::from>, "", "regular expression (RE2) on the path",
        {.example = R"("^/old/(.*)$")", .required = true}),
    key("to", kText, at<&RewriteOptions::to>, "", "what takes its place, with $1 to $9 for the groups",
        {.example = R"("/new/$1")", .required = true}),
};
constexpr Section kRewrite = {"rewrite", "Changes the path the servers see.", Shape::kTable, kRewriteKeys, {}, {}, check_rewrite};

constexpr Key kRedirectKeys[] = {
    key("to", kText, at<&RedirectOptions::to>, "", "where to, as a template; the query is kept unless this has one",
        {.example = R"("https://example.com{path}")", .required = true}),
    key("status", kStatus, at<&RedirectOptions::status>, "308", "301, 302, 303, 307 or 308"),
};
constexpr Section kRedirect = {"redirect", "Answers with a redirect.", Shape::kTable, kRedirectKeys, {}, {}, check_redirect};

constexpr Key kRespondKeys[] = {
    key("status", kStatus, at<&RespondOptions::status>, "200", "status of the answer", {.least = 200, .most = 599}),
    key("body", kText, at<&RespondOptions::body>, R"("")", "its body"),
    key("headers", kNameValues, at<&RespondOptions::headers>, "{}", "its headers",
        {.check = [](std::string_view text) { return check_reply_header(text, true); },
         .check_name = [](std::string_view text) { return check_reply_header(text, false); }}),
};
constexpr Section kRespond = {"respond", "Answers by itself.", Shape::kTable, kRespondKeys, {}, {}, check_respond};

constexpr Key kMaintenanceKeys[] = {
    key("enabled", kBool, at<&MaintenanceOptions::enabled>, "false", "whether it is on"),
    key("status", kStatus, at<&MaintenanceOptions::status>, "503", "of the answer", {.least = 400, .most = 599}),
    key("page", kFilePath, at<&MaintenanceOptions::page>, R"("")", "file that is sent; \"\" = the page there is for the status"),
    key("retry_after", kDuration, at<&MaintenanceOptions::retry_after>, R"("5m")",
        "told in Retry-After; 0 = nothing is"),
    key("allow", kPrefixes, at<&MaintenanceOptions::allow>, "[]", "clients that get through, such as those who work on it"),
};
constexpr Section kMaintenance = {"maintenance", "What is answered while the route is being worked on.", Shape::kTable, kMaintenanceKeys};

template <TemplateUse Use>
constexpr Key kHeaderKeys[] = {
    key("set", kNameValues, at<&HeaderRuleOptions::set>, "{}", "headers replaced or added; values are templates",
        {.check = check_rule<Use, HeaderPart::kValue>, .check_name = check_rule<Use, HeaderPart::kSetName>}),
    key("add", kNameValues, at<&HeaderRuleOptions::add>, "{}", "headers added to those of the same name",
        {.check = check_rule<Use, HeaderPart::kValue>, .check_name = check_rule<Use, HeaderPart::kAddName>}),
    key("remove", kNames, at<&HeaderRuleOptions::remove>, "[]", "headers taken out",
        {.check = check_rule<Use, HeaderPart::kRemoveName>}),
};
constexpr Section kRequestHeaders = {"request_headers", "Changes to the headers the servers see.", Shape::kTable,
                                     kHeaderKeys<TemplateUse::kRequest>, {}, {}, check_header_rules};
constexpr Section kResponseHeaders = {"response_headers", "Changes to the headers the clients see.", Shape::kTable,
                                      kHeaderKeys<TemplateUse::kResponse>, {}, {}, check_header_rules};

// The keys of one route come first, then those that [defaults] may hold too.
constexpr std::size_t kOwnRouteKeys = 12;
constexpr Key kRouteKeys[] = {
    key("name", kText, at<&RouteOptions::name>, "",
        "what logs and the control API call it; without one, \"route-N\"", {.example = R"("api")", .check = check_name}),
    key("host", kTexts, at<&RouteOptions::host>, "[]",
        "hosts it is for, such as \"example.com\" or \"*.example.com\"; none = any", {.check = check_host_pattern}),
    key("path", kText, at<&RouteOptions::path>, R"("/*")",
        "path it is for: exact, a prefix with /*, or a regular expression behind \"~ \"", {.check = check_path_pattern}),
    key("methods", kTexts, at<&RouteOptions::methods>, "[]",
        "methods it is for; none = any", {.check = check_method}),
    key("header", kNameValues, at<&RouteOptions::header>, "{}",
        "headers a request must have; \"*\" = any value", {.check = check_field_value, .check_name = check_token}),
    key("upstream", kText, at<&RouteOptions::upstream>, "",
        "upstream that answers: its name, or the URL of a server",
        {.example = R"("http://127.0.0.1:3000")", .start = R"("app")"}),
    key("split", kWeights, at<&RouteOptions::split>, "{}",
        "instead of upstream: upstreams with their weights, such as { app = 95, canary = 5 }; a client stays with its own"),
    table("mirror", kTable, at<&RouteOptions::mirror>, kMirror),
    key("strip_prefix", kText, at<&RouteOptions::strip_prefix>, R"("")",
        "taken off the path before it is sent on", {.check = check_path_prefix}),
    table("rewrite", kTable, at<&RouteOptions::rewrite>, kRewrite),
    table("redirect", kTable, at<&RouteOptions::redirect>, kRedirect),
    table("respond", kTable, at<&RouteOptions::respond>, kRespond),
    table("timeout", kTable, at<&RouteOptions::timeout>, kTimeout),
    key("bandwidth", kByteRate, at<&RouteOptions::bandwidth>, R"("0")",
        "for the body of each reply; 0 = as fast as it goes"),
    key("body_bytes", kSize, at<&RouteOptions::body_bytes>, "",
        "largest request body; 0 = no limit; without one, that of [limits]", {.example = R"("100MiB")"}),
    table("request_headers", kTable, at<&RouteOptions::request_headers>, kRequestHeaders),
    table("response_headers", kTable, at<&RouteOptions::response_headers>, kResponseHeaders),
    key("hide_origin", kBool, at<&RouteOptions::hide_origin>, "true",
        "take out what tells on the servers: Server, X-Powered-By and their like, and entity tags with an inode. Addresses of "
        "servers become the client's in Location, Content-Location, Refresh, Link, SourceMap, Content-Security-Policy, "
        "Access-Control-Allow-Origin, Timing-Allow-Origin, Report-To and Reporting-Endpoints; cookies for a server's domain "
        "become ones for this host. strip_prefix comes back in links and in paths of cookies"),
    key("errors", kErrorPages, at<&RouteOptions::errors>, "{}",
        "files sent instead of our own error pages, by status (\"502\") or class (\"5xx\")", {.check_name = check_error_status}),
    key("compress", kText, at<&RouteOptions::compress>, R"("default")",
        "compress bodies as [compress.NAME] says; \"default\" is there without one; \"\" = as they come"),
    key("cache", kText, at<&RouteOptions::cache>, R"("")",
        "answer from the store of [cache.NAME], and store replies there; \"\" = nothing is stored"),
    key("access", kText, at<&RouteOptions::access>, R"("")",
        "who may ask, as [access.NAME] says; \"\" = everybody"),
    key("rate_limit", kTexts, at<&RouteOptions::rate_limit>, "[]",
        "how many requests are let through: names of [rate_limit.NAME], all of which hold"),
       table("maintenance", kTable, at<&RouteOptions::maintenance>, kMaintenance),
    key("fault", kText, at<&RouteOptions::fault>, R"("")", "what goes wrong on purpose, as [fault.NAME] says; \"\" = nothing"),
};
static_assert(kRouteKeys[kOwnRouteKeys].name == "timeout");

}  // namespace

constinit const Section kCompressSection = {"compress", "How bodies are compressed and decompressed, named for the routes that want it.", Shape::kNamed, kCompressKeys};
constinit const Section kRouteSection = {"route", "What is done with the requests it matches; the most specific route wins, then the first.",
                            Shape::kTables, kRouteKeys, {}, {}, nullptr, kOwnRouteKeys};
constinit const Section kDefaultsSection = {"defaults", "What every route starts from; a route's own keys win, one by one.",
                                      Shape::kTable, std::span(kRouteKeys).subspan(kOwnRouteKeys),
                                      std::span(kRouteKeys).first(kOwnRouteKeys), "has no default: give it in a [[route]]"};
// clang-format on

}  // namespace rpx::config
