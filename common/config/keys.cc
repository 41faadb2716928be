#include "config/keys.h"

#include "config/checks.h"
#include "config/kinds.h"
#include "config/kinds_of_protection.h"
#include "config/site.h"

namespace rpx::config {
namespace {

using policy::BlocklistOptions;
using policy::CompressLevels;
using policy::CompressOptions;
using policy::HeaderRuleOptions;
using policy::RedirectOptions;
using policy::RespondOptions;
using policy::RewriteOptions;
using policy::TemplateUse;
using proxy::ListenOptions;
using proxy::LogOptions;
using proxy::RouteOptions;
using proxy::RouteTimeouts;
using proxy::ServeOptions;
using proxy::SiteOptions;
using tls::CertificateOptions;
using tls::TlsOptions;
using upstream::ConnectOptions;
using upstream::HealthOptions;
using upstream::RetryOptions;
using upstream::ServerOptions;
using upstream::UpstreamOptions;

template <TemplateUse Use, HeaderPart Part>
Complaint check_rule(std::string_view text) {
  return check_header_rule(text, Use, Part);
}

/// A member of the document's site.
template <auto Pointer>
constexpr auto make_site_field() {
  auto field = at<Pointer>;
  field.of = [](void* document) { return at<Pointer>.of(&static_cast<Document*>(document)->site); };
  field.of_const = [](const void* document) {
    return at<Pointer>.of_const(&static_cast<const Document*>(document)->site);
  };
  return field;
}
template <auto Pointer>
constexpr auto in_site = make_site_field<Pointer>();

// clang-format off
constexpr Key kServeKeys[] = {
    key("workers", kCount, at<&ServeOptions::workers>, "0",
        "event-loop threads; 0 = one per available core", {.most = 1024, .unit = "threads"}),
    key("control", kPath, at<&ServeOptions::control>, R"("${XDG_RUNTIME_DIR:-/run}/rpx/control.sock")",
        "Unix socket of the control API, mode 0600; \"\" = none"),
    key("user", kText, at<&ServeOptions::user>, R"("")",
        "user to become once the addresses are bound; \"\" = stay"),
    key("grace", kDuration, at<&ServeOptions::grace>, R"("30s")",
        "how long stop lets requests finish"),
    key("max_connections", kCount, at<&ServeOptions::max_connections>, "50000",
        "client connections open at once; past it new ones are refused",
        {.least = 1, .most = 10'000'000, .unit = "connections"}),
    key("server_name", kText, at<&ServeOptions::server_name>, R"("")",
        "value of the Server header; \"\" = none is sent", {.check = check_field_value}),
    key("via", kBool, at<&ServeOptions::via>, "false",
        "add Via (RFC 9110 7.6.3); off, since it tells on the proxy"),
};
constexpr Section kServe = {"serve", "The process.", Shape::kTable, kServeKeys, {}, {}, check_serve};

constexpr Key kLogKeys[] = {
    key("level", kLevel, at<&LogOptions::level>, R"("info")",
        "least important events that are logged", {.choices = "trace debug info notice warning error"}),
    key("errors", kLogFile, at<&LogOptions::errors>, R"("stderr")",
        "where events go: stderr, syslog or a path", {.choices = "stderr syslog", .check = [](std::string_view) {
          return Complaint(R"(expected "stderr", "syslog" or a path, with a "/" or "." in it)"); }}),
    key("access", kLogFile, at<&LogOptions::access>, R"("off")",
        "where a line per request goes: off, stdout, stderr, syslog or a path", {.choices = "off stdout stderr syslog", .check = [](std::string_view) {
          return Complaint(R"(expected "off", "stdout", "stderr", "syslog" or a path, with a "/" or "." in it)"); }}),
    key("format", kText, at<&LogOptions::format>, R"("json")",
        "form of that line: json, common, combined or a template such as \"{client} {method} {path} {status}\"",
        {.choices = "json common combined", .check = check_log_format}),
};
constexpr Section kLog = {"log", "What is written down, and where.", Shape::kTable, kLogKeys};

constexpr Key kListenKeys[] = {
    key("name", kText, at<&ListenOptions::name>, "",
        "what logs and the control API call it; without one, its address", {.example = R"("web")", .check = check_name}),
    key("address", kAddress, at<&ListenOptions::address>, "",
        "\"host:port\", \":port\" (all interfaces, IPv4 and IPv6), \"[::1]:port\", \"unix:path\" or \"fd:N\"; "
        "port 0 = the kernel picks one",
        {.example = R"(":8080")", .start = R"(":8080")", .check = check_listen_address, .required = true}),
    only("mode", kOnlyText, R"("http")", "what is spoken", {.choices = "http", .later = "tcp"}),
    key("tls", kBool, at<&ListenOptions::tls>, "false", "clients speak TLS; certificates are in [[certificate]]"),
    only("protocols", kOnlyTexts, R"(["http/1.1"])", "versions of HTTP", {.choices = "http/1.1", .later = "h2 h2c"}),
    key("trusted_proxies", kPrefixes, at<&ListenOptions::trusted_proxies>, "[]",
        "peers whose X-Forwarded-For and Forwarded are believed"),
    key("proxy_protocol", kPrefixes, at<&ListenOptions::proxy_protocol>, "[]",
        "peers that must open with a PROXY header, version 1 or 2"),
    key("redirect_https", kBool, at<&ListenOptions::redirect_https>, "false",
        "answer every request with 308 to the same URL on https"),
    later("upstream"), later("sni"),
};
constexpr Section kListen = {"listen", "An address that clients connect to; at least one.", Shape::kTables, kListenKeys};

constexpr Key kTlsKeys[] = {
    key("min_version", kText, at<&TlsOptions::min_version>, R"("1.2")", "oldest version of TLS: 1.2 or 1.3", {.choices = "1.2 1.3"}),
    key("ciphers", kText, at<&TlsOptions::ciphers>, R"("intermediate")",
        "modern (TLS 1.3 alone), intermediate, or names as OpenSSL has them, with colons between",
        {.choices = "modern intermediate", .check = check_ciphers}),
    key("session_tickets", kBool, at<&TlsOptions::session_tickets>, "true", "let clients come back without a full handshake"),
    key("ticket_rotation", kDuration, at<&TlsOptions::ticket_rotation>, R"("12h")",
        "how long a key makes tickets; it opens them for as long again", {.zero = Zero::kRefused}),
    key("client_ca", kFilePath, at<&TlsOptions::client_ca>, R"("")",
        "PEM file with the authorities of client certificates", {.check = check_certificates}),
    key("client_verify", kText, at<&TlsOptions::client_verify>, R"("off")",
        "whether clients show a certificate: off, optional or required", {.choices = "off optional required"}),
    later("ocsp_stapling"),
};
constexpr Section kTls = {"tls", "What TLS listeners offer.", Shape::kTable, kTlsKeys, {}, {}, check_tls};

constexpr Key kCertificateKeys[] = {
    key("cert", kFilePath, at<&CertificateOptions::cert>, "",
        "PEM file: the certificate, then intermediates; it is served to those who ask for one of its names",
        {.example = R"("certs/site.pem")", .required = true}),
    key("key", kFilePath, at<&CertificateOptions::key>, "", "PEM file with its private key, without passphrase",
        {.example = R"("certs/site.key")", .required = true}),
};
constexpr Section kCertificate = {"certificate", "A certificate for TLS listeners; the first is for those who ask for no name we know.",
                                  Shape::kTables, kCertificateKeys,
                                  {}, {}, nullptr, kAllKeys, true};

constexpr Key kServerKeys[] = {
    key("url", kAddress, at<&ServerOptions::url>, "",
        "\"http://host:port\" or \"unix:path\"",
        {.example = R"("http://127.0.0.1:3000")", .check = check_server_url, .required = true}),
    key("weight", kCount, at<&ServerOptions::weight>, "1",
        "share of the requests, relative to the other servers", {.least = 1, .most = 65535}),
    key("backup", kBool, at<&ServerOptions::backup>, "false",
        "used only when no other server can be"),
    key("max_connections", kCount, at<&ServerOptions::max_connections>, "0",
        "requests it may have at once, of all workers; 0 = no limit", {.unit = "requests"}),
    later("resolve"),
};
constexpr Section kServer = {"servers", "A server, where its URL alone does not say everything.", Shape::kTables, kServerKeys};

constexpr Key kConnectKeys[] = {
    key("timeout", kDuration, at<&ConnectOptions::timeout>, R"("2s")",
        "to connect, per address", {.zero = Zero::kRefused}),
    key("keepalive", kCount, at<&ConnectOptions::keepalive>, "64",
        "idle connections kept per worker and server", {.most = 100'000, .unit = "connections"}),
    key("idle", kDuration, at<&ConnectOptions::idle>, R"("1m")",
        "how long one is kept idle"),
    key("max_pending", kCount, at<&ConnectOptions::max_pending>, "1000",
        "requests that may wait when every server has its max_connections; past it 503",
        {.most = 1'000'000, .unit = "requests"}),
    key("queue", kDuration, at<&ConnectOptions::queue>, R"("5s")",
        "how long they wait; then 503"),
};
constexpr Section kConnect = {"connect", "Connections to the servers.", Shape::kTable, kConnectKeys};

constexpr Key kRetryKeys[] = {
    key("attempts", kCount, at<&RetryOptions::attempts>, "2",
        "further servers tried", {.most = 10, .unit = "tries"}),
    key("on", kTexts, at<&RetryOptions::on>, R"(["connect", "timeout", "reset", "502", "503", "504"])",
        "what makes another try worth it: connect, timeout, reset, or a status",
        {.choices = "connect timeout reset", .check = check_retry_status}),
    key("methods", kTexts, at<&RetryOptions::methods>, R"(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])",
        "a request that reached a server is repeated only for these", {.check = check_method}),
    key("budget", kShare, at<&RetryOptions::budget>, R"("20%")",
        "retries as a share of requests, so that a bad day is not made worse"),
};
constexpr Section kRetry = {"retry", "When a request is tried with another server.", Shape::kTable, kRetryKeys};

constexpr Key kHealthKeys[] = {
    key("tcp", kBool, at<&HealthOptions::tcp>, "false",
        "a connection that is accepted is enough; no request is sent"),
    key("path", kText, at<&HealthOptions::path>, R"("/")",
        "what is asked for, with a query if need be", {.start = R"("/healthz")", .check = check_probe_path}),
    key("method", kText, at<&HealthOptions::method>, R"("GET")",
        "with which method", {.check = check_method}),
    key("headers", kNameValues, at<&HealthOptions::headers>, "{}",
        "sent with it; Host is the server's own unless it is set here",
        {.check = [](std::string_view text) { return check_reply_header(text, true); },
         .check_name = [](std::string_view text) { return check_reply_header(text, false); }}),
    key("interval", kDuration, at<&HealthOptions::interval>, R"("2s")",
        "between two checks, a tenth more or less; a fifth of it while the state changes", {.zero = Zero::kRefused}),
    key("timeout", kDuration, at<&HealthOptions::timeout>, R"("1s")",
        "for a whole check", {.zero = Zero::kRefused}),
    key("rise", kCount, at<&HealthOptions::rise>, "2",
        "good checks in a row that bring a server back", {.least = 1, .most = 1000, .unit = "checks"}),
    key("fall", kCount, at<&HealthOptions::fall>, "3",
        "failed checks in a row that take a server out", {.least = 1, .most = 1000, .unit = "checks"}),
    key("status", kTexts, at<&HealthOptions::status>, R"(["200-399"])",
        "statuses, or ranges of them, that are good", {.check = check_status_range}),
    key("body", kText, at<&HealthOptions::body>, R"("")",
        "text that the first 64 KiB of the reply's body must hold; \"\" = anything"),
    key("initial", kText, at<&HealthOptions::initial>, R"("up")",
        "what a server is until checks have proven otherwise: up or down", {.choices = "up down"}),
    key("slow_start", kDuration, at<&HealthOptions::slow_start>, R"("0s")",
        "the weight of a server that came back rises over this long; 0 = at once"),
    later("grpc"), later("tls"),
};
constexpr Section kHealth = {"health", "Active checks of the servers; none without this table.", Shape::kTable, kHealthKeys, {}, {}, check_health};

constexpr Key kUpstreamKeys[] = {
    list("servers", kServers, at<&UpstreamOptions::servers>, kServer,
         "URLs, or tables where there is more to say of a server",
         {.example = R"(["http://127.0.0.1:3000"])",
           .start = R"(["http://127.0.0.1:3000", { url = "http://127.0.0.1:3001", weight = 1, backup = true }])",
           .required = true}),
    key("balance", kText, at<&UpstreamOptions::balance>, R"("round_robin")",
        "how a server is chosen",
        {.choices = "round_robin least_connections least_time random_two ip_hash hash first"}),
    key("hash", kText, at<&UpstreamOptions::hash>, R"("")",
        "what \"hash\" goes by, as a template such as \"{header:X-User}\"; requests of one value go to one server",
        {.check = check_hash}),
    key("host", kText, at<&UpstreamOptions::host>, R"("preserve")",
        "Host that is sent on: preserve (what the client sent), server, or a fixed name",
        {.choices = "preserve server", .check = check_host_value}),
    only("protocol", kOnlyText, R"("http/1.1")", "what is spoken to the servers",
         {.choices = "http/1.1", .later = "h2 h2c auto"}),
    table("connect", kTable, at<&UpstreamOptions::connect>, kConnect),
    table("retry", kTable, at<&UpstreamOptions::retry>, kRetry),
    table("health", kTable, at<&UpstreamOptions::health>, kHealth),
    later("proxy_protocol"), later("sticky"), later("eject"), later("tls"),
};
constexpr Section kUpstream = {"upstream", "A pool of servers, named for the routes that use it.", Shape::kNamed, kUpstreamKeys, {}, {}, check_upstream};

constexpr Key kCompressLevelKeys[] = {
    key("gzip", kCount, at<&CompressLevels::gzip>, "5", "1 (fast) to 9 (small)", {.least = 1, .most = 9}),
    key("br", kCount, at<&CompressLevels::br>, "4", "1 (fast) to 11 (small)", {.least = 1, .most = 11}),
    key("zstd", kCount, at<&CompressLevels::zstd>, "3", "1 (fast) to 19 (small)", {.least = 1, .most = 19}),
};
constexpr Section kCompressLevel = {"level", "How hard each coding tries.", Shape::kTable, kCompressLevelKeys};

constexpr Key kCompressKeys[] = {
    key("encodings", kTexts, at<&CompressOptions::encodings>, R"(["zstd", "br", "gzip"])",
        "codings, the best liked first; the client's weights come before that", {.choices = "zstd br gzip"}),
    table("level", kTable, at<&CompressOptions::level>, kCompressLevel),
    key("min_size", kSize, at<&CompressOptions::min_size>, R"("1KiB")",
        "shorter bodies go as they are; streams, whose length is not known, are coded"),
    key("types", kTexts, at<&CompressOptions::types>,
        R"(["text/*", "application/json", "application/javascript", "application/xml", "image/svg+xml"])",
        "media types that are coded: \"type/subtype\", \"type/*\" or \"*/*\"", {.check = check_media_range}),
    later("requests"), later("decompress_requests"), later("max_ratio"),
};
constexpr Section kCompress = {"compress", "How replies are compressed, named for the routes that want it.", Shape::kNamed, kCompressKeys};

constexpr Key kTimeoutKeys[] = {
    key("response", kDuration, at<&RouteTimeouts::response>, R"("1m")",
        "from the request sent to the head of the reply; 0 = for ever", {.zero = Zero::kUnlimited}),
    key("idle", kDuration, at<&RouteTimeouts::idle>, R"("1m")",
        "between two pieces of the reply, and in a tunnel; 0 = for ever", {.zero = Zero::kUnlimited}),
};
constexpr Section kTimeout = {"timeout", "How long a server may take.", Shape::kTable, kTimeoutKeys};

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
constexpr std::size_t kOwnRouteKeys = 10;
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
    key("strip_prefix", kText, at<&RouteOptions::strip_prefix>, R"("")",
        "taken off the path before it is sent on", {.check = check_path_prefix}),
    table("rewrite", kTable, at<&RouteOptions::rewrite>, kRewrite),
    table("redirect", kTable, at<&RouteOptions::redirect>, kRedirect),
    table("respond", kTable, at<&RouteOptions::respond>, kRespond),
    table("timeout", kTable, at<&RouteOptions::timeout>, kTimeout),
    key("body_bytes", kSize, at<&RouteOptions::body_bytes>, "",
        "largest request body; 0 = no limit; without one, that of [limits]", {.example = R"("100MiB")"}),
    table("request_headers", kTable, at<&RouteOptions::request_headers>, kRequestHeaders),
    table("response_headers", kTable, at<&RouteOptions::response_headers>, kResponseHeaders),
    key("hide_origin", kBool, at<&RouteOptions::hide_origin>, "true",
        "take out what tells on the servers: Server, X-Powered-By and their like; rewrite Location and cookie domains"),
    key("errors", kErrorPages, at<&RouteOptions::errors>, "{}",
        "files sent instead of our own error pages, by status (\"502\") or class (\"5xx\")", {.check_name = check_error_status}),
    key("compress", kText, at<&RouteOptions::compress>, R"("")",
        "compress replies as [compress.NAME] says; \"default\" is there without one; \"\" = as they come"),
    later("access"), later("rate_limit"), later("cache"), later("split"), later("mirror"),
    later("fault"), later("maintenance"),
};
constexpr Section kRoute = {"route", "What is done with the requests it matches; the most specific route wins, then the first.",
                            Shape::kTables, kRouteKeys, {}, {}, nullptr, kOwnRouteKeys};
constexpr Section kDefaultsSection = {"defaults", "What every route starts from; a route's own keys win, one by one.",
                                      Shape::kTable, std::span(kRouteKeys).subspan(kOwnRouteKeys),
                                      std::span(kRouteKeys).first(kOwnRouteKeys), "has no default: give it in a [[route]]"};
static_assert(kRouteKeys[kOwnRouteKeys].name == "timeout");

constexpr Size kMostHead = 16 * 1024 * 1024;
constexpr Key kLimitsKeys[] = {
    key("connections_per_client", kCount, at<&http::Limits::connections_per_client>, "200",
        "connections one client address may have open; 0 = no limit", {.unit = "connections"}),
    key("header_timeout", kDuration, at<&http::Limits::header_timeout>, R"("10s")",
        "for a whole request head; 0 = for ever", {.zero = Zero::kUnlimited}),
    key("body_timeout", kDuration, at<&http::Limits::body_timeout>, R"("30s")",
        "between two pieces of a request body; 0 = for ever", {.zero = Zero::kUnlimited}),
    key("min_body_rate", kByteRate, at<&http::Limits::min_body_rate>, R"("500B/s")",
        "a request body that is slower is given up; 0 = none is"),
    key("write_timeout", kDuration, at<&http::Limits::write_timeout>, R"("30s")",
        "a client that takes nothing of the reply for so long is given up; 0 = none is", {.zero = Zero::kUnlimited}),
    key("keepalive", kDuration, at<&http::Limits::keepalive>, R"("75s")",
        "how long a client's connection may be idle; 0 = for ever", {.zero = Zero::kUnlimited}),
    key("header_bytes", kSize, at<&http::Limits::header_bytes>, R"("32KiB")",
        "largest head of a request or reply; 0 = 16MiB, the most there can be",
        {.least = 512, .most = kMostHead, .zero = Zero::kUnlimited}),
    key("headers", kCount, at<&http::Limits::headers>, "100",
        "most header lines; 0 = 10000, the most there can be", {.least = 1, .most = 10'000, .zero = Zero::kUnlimited, .unit = "lines"}),
    key("body_bytes", kSize, at<&http::Limits::body_bytes>, R"("10MiB")", "largest request body; 0 = no limit"),
    key("uri_bytes", kSize, at<&http::Limits::uri_bytes>, R"("8KiB")",
        "longest request target; 0 = 16MiB, the most there can be",
        {.least = 64, .most = kMostHead, .zero = Zero::kUnlimited}),
    key("tls_handshake", kDuration, at<&http::Limits::tls_handshake>, R"("10s")", "for a TLS handshake; 0 = for ever", {.zero = Zero::kUnlimited}),
    later("h2_streams"), later("h2_resets"),
};
constexpr Section kLimits = {"limits", "Bounds on what clients may do.", Shape::kTable, kLimitsKeys};

constexpr Key kBlocklistKeys[] = {
    key("files", kPaths, at<&BlocklistOptions::files>, "[]",
        "files with a line `CIDR [until=RFC3339] [reason...]` for each prefix that is refused; what is added while "
        "running goes into the first; a file may be missing", {.example = R"(["blocklist.txt"])"}),
    key("action", kBlockAction, at<&BlocklistOptions::status>, R"("close")",
        "close (at accept, before anything is read), or the status that is answered"),
    key("allow", kPrefixes, at<&BlocklistOptions::allow>, "[]", "never refused, whatever the files say"),
};
constexpr Section kBlocklist = {"blocklist", "Clients that are refused, whatever they ask for.", Shape::kTable, kBlocklistKeys};

// In the order they are read: routes need the defaults.
constexpr Key kFileKeys[] = {
    key("include", kInclude, self<Document>, "[]",
        "files that are read too, such as [\"conf.d/*.toml\"]: their sections and list items are added to those here"),
    table("serve", kTable, in_site<&SiteOptions::serve>, kServe),
    table("log", kTable, in_site<&SiteOptions::log>, kLog),
    table("listen", kListeners, self<Document>, kListen),
    table("tls", kTable, in_site<&SiteOptions::tls>, kTls),
    table("certificate", kCertificates, self<Document>, kCertificate),
    table("upstream", kUpstreams, self<Document>, kUpstream),
    table("compress", kCompressRules, self<Document>, kCompress),
    table("limits", kTable, in_site<&SiteOptions::limits>, kLimits),
    table("blocklist", kTable, in_site<&SiteOptions::blocklist>, kBlocklist),
    table("defaults", kDefaults, self<Document>, kDefaultsSection),
    table("route", kRoutes, self<Document>, kRoute),
    later("admin"), later("acme"), later("cache"), later("rate_limit"), later("access"), later("fault"), later("ban"), later("cluster"),
};
// clang-format on

}  // namespace

constinit const Section kFile = {"", "", Shape::kTable, kFileKeys};

}  // namespace rpx::config
