#include "config/keys.h"

#include "config/checks.h"
#include "config/keys_of.h"
#include "config/kinds.h"
#include "config/kinds_of_protection.h"
#include "config/site.h"

namespace rpx::config {
namespace {

using policy::BlocklistOptions;
using proxy::AdminOptions;
using proxy::ListenOptions;
using proxy::LogOptions;
using proxy::ServeOptions;
using proxy::SiteOptions;
using tls::CertificateOptions;
using tls::TlsOptions;

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
    key("state", kLogFile, at<&ServeOptions::state>, R"("auto")",
        "file that keeps what was changed of servers at run time (added, removed, drain, maint, weight) over a restart: "
        "auto (beside control, with .state behind its name), off or a path",
        {.choices = "auto off", .check = [](std::string_view) {
          return Complaint(R"(expected "auto", "off" or a path, with a "/" or "." in it)"); }}),
    key("user", kText, at<&ServeOptions::user>, R"("")",
        "user to become once the addresses are bound; \"\" = stay"),
    key("grace", kDuration, at<&ServeOptions::grace>, R"("30s")",
        "how long stop lets requests finish"),
    key("max_connections", kCount, at<&ServeOptions::max_connections>, "50000",
        "client connections open at once; past it new ones are refused",
        {.least = 1, .most = 10'000'000, .unit = "connections"}),
    key("wait_ready", kDuration, at<&ServeOptions::wait_ready>, R"("0s")",
        "how long saying that it is ready waits, at most, until active checks have found out about every server; 0 = not "
        "at all"),
    key("server_name", kText, at<&ServeOptions::server_name>, R"("")",
        "value of the Server header; \"\" = none is sent", {.check = check_field_value}),
    key("via", kBool, at<&ServeOptions::via>, "false",
        "add Via (RFC 9110 7.6.3); off, since it tells on the proxy"),
    key("sandbox", kBool, at<&ServeOptions::sandbox>, "true",
        "write only where the configuration has files, start no program, and make no system call a proxy has no use for"),
};
constexpr Section kServe = {"serve", "The process.", Shape::kTable, kServeKeys, {}, {}, check_serve};

constexpr Key kResolverKeys[] = {
    key("servers", kTexts, at<&net::ResolverOptions::servers>, "[]",
        "DNS servers that are asked, such as [\"127.0.0.1:53\"]; [] = those of the system", {.check = check_dns_server}),
    key("timeout", kDuration, at<&net::ResolverOptions::timeout>, R"("2s")",
        "for an answer; longer with each further try", {.zero = Zero::kRefused}),
    key("tries", kCount, at<&net::ResolverOptions::tries>, "2",
        "how often each of them is asked", {.least = 1, .most = 10, .unit = "times"}),
};
constexpr Section kResolver = {"resolver", "How names of servers are looked up.", Shape::kTable, kResolverKeys};

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

constexpr Key kAdminKeys[] = {
    key("address", kAddress, at<&AdminOptions::address>, R"("")",
        "host and port of the control API over TCP: /metrics for all who can reach it, and whatever changes nothing for those "
        "who ask for it by an address, by localhost or by this host; \"\" = nowhere",
        {.example = R"("127.0.0.1:9100")", .check = check_admin_address}),
    key("token", kSecret, at<&AdminOptions::token>, R"("")",
        "who shows it as Authorization: Bearer may change things as well, and read the bodies in caches; \"\" = nobody may", {.check = check_admin_token}),
};
constexpr Section kAdmin = {"admin", "The control API for other machines; without it there is the Unix socket alone.", Shape::kTable, kAdminKeys,
                            {}, {}, check_admin, kAllKeys, true};

constexpr Key kListenKeys[] = {
    key("name", kText, at<&ListenOptions::name>, "",
        "what logs and the control API call it; without one, its address", {.example = R"("web")", .check = check_name}),
    key("address", kAddress, at<&ListenOptions::address>, "",
        "\"host:port\", \":port\" (all interfaces, IPv4 and IPv6), \"[::1]:port\", \"unix:path\", \"fd:N\" or "
        "\"fd:NAME\" (handed over by who starts the proxy); port 0 = the kernel picks one",
        {.example = R"(":8080")", .start = R"(":8080")", .check = check_listen_address, .required = true}),
    key("mode", kText, at<&ListenOptions::mode>, R"("http")",
        "what is spoken: http; or tcp, where bytes are passed on as they are", {.choices = "http tcp"}),
    key("tls", kBool, at<&ListenOptions::tls>, "false", "clients speak TLS; certificates are in [[certificate]]"),
    key("protocols", kTexts, at<&ListenOptions::protocols>, "[]",
        "versions of HTTP, the preferred one first: h2 and http/1.1 with tls, http/1.1 and h2c (HTTP/2 that begins without "
        "being asked) without; [] = [\"h2\", \"http/1.1\"] with tls, [\"http/1.1\"] without",
        {.choices = "h2 http/1.1 h2c"}),
    key("trusted_proxies", kPrefixes, at<&ListenOptions::trusted_proxies>, "[]",
        "peers whose X-Forwarded-For and Forwarded are believed"),
    key("proxy_protocol", kPrefixes, at<&ListenOptions::proxy_protocol>, "[]",
        "peers that must open with a PROXY header, version 1 or 2"),
    key("redirect_https", kBool, at<&ListenOptions::redirect_https>, "false",
        "answer every request with 308 to the same URL on https"),
    key("https_port", kCount, at<&ListenOptions::https_port>, "443",
        "the port clients find https at, for redirect_https", {.least = 1, .most = 65535}),
    key("upstream", kText, at<&ListenOptions::upstream>, "",
        "with mode = \"tcp\": where connections go, the name of an upstream or the URL of a server",
        {.example = R"("tcp://127.0.0.1:5432")"}),
    key("sni", kNameValues, at<&ListenOptions::sni>, "{}",
        "with mode = \"tcp\", instead of upstream: where connections go by the name that a TLS client asks for, which "
        "is read without decrypting; \"*.example\" is every name below, \"*\" what is left, without TLS too",
        {.check_name = check_sni_name}),
    key("pass", kNameValues, at<&ListenOptions::pass>, "{}",
        "with tls: connections that ask for one of these names go to an upstream unread, all others are served here; "
        "names as in sni", {.check_name = check_sni_name}),
    key("max_connections", kCount, at<&ListenOptions::max_connections>, "0",
        "connections open at once, of all workers; past it new ones are refused; 0 = as many as [serve] lets in",
        {.most = 10'000'000, .unit = "connections"}),
    key("idle", kDuration, at<&ListenOptions::idle>, R"("10m")",
        "with mode = \"tcp\", or for those of pass: a connection on which nothing moves for so long is closed; 0 = none is",
        {.zero = Zero::kUnlimited}),
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
    key("watch", kBool, at<&TlsOptions::watch>, "true",
        "read the files of a certificate again when they change; what cannot be read leaves the one before in use"),
    key("max_handshakes", kCount, at<&TlsOptions::max_handshakes>, "10000",
        "handshakes in progress at once; past it new connections are closed; 0 = no limit", {.unit = "handshakes"}),
    key("ocsp_stapling", kBool, at<&TlsOptions::ocsp_stapling>, "true",
        "fetch what the authority says of certificates that name its responder (OCSP), and send it along"),
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
    key("min_reply_rate", kByteRate, at<&http::Limits::min_reply_rate>, R"("500B/s")",
        "a client that takes a reply slower is given up; 0 = none is"),
    key("half_open", kShare, at<&http::Limits::half_open>, R"("50%")",
        "share of serve.max_connections that may be without a request yet; past it the one that has been so longest is closed"),
    key("handshakes_per_client", kPerSecond, at<&http::Limits::handshakes_per_client>, R"("0/s")",
        "TLS handshakes that one client may begin; more are closed; 0 = any number"),
    key("bandwidth_per_client", kByteRate, at<&http::Limits::bandwidth_per_client>, R"("0")",
        "for the bodies of all replies to one client together; 0 = as fast as they go"),
    key("overload", kDuration, at<&http::Limits::overload>, R"("5s")",
        "new connections are answered with 503 while others wait so long for a worker; 0 = never"),
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
    key("h2_streams", kCount, at<&http::Limits::h2_streams>, "128",
        "requests in progress at once on one HTTP/2 connection", {.least = 1, .most = 10'000, .unit = "requests"}),
    key("h2_resets", kPerSecond, at<&http::Limits::h2_resets>, R"("100/s")",
        "requests a client may give up on one HTTP/2 connection, on average over a second, before it ends",
        {.zero = Zero::kRefused}),
    key("answer_half_closed", kText, at<&http::Limits::answer_half_closed>, R"("sent")",
        "whether a client of HTTP/1 that has closed its sending side still gets its reply; most that do so have gone away. "
        "sent = unless the request still waits: in hold, connect.queue, before another try, for a rate limit or for "
        "forward_auth; always; never = nor while a server's reply is awaited", {.choices = "always sent never"}),
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
    table("resolver", kTable, in_site<&SiteOptions::resolver>, kResolver),
    table("log", kTable, in_site<&SiteOptions::log>, kLog),
    table("admin", kTable, in_site<&SiteOptions::admin>, kAdmin),
    table("listen", kListeners, self<Document>, kListen),
    table("tls", kTable, in_site<&SiteOptions::tls>, kTls),
    table("certificate", kCertificates, self<Document>, kCertificate),
    table("acme", kTable, in_site<&SiteOptions::acme>, kAcmeSection),
    table("upstream", kUpstreams, self<Document>, kUpstreamSection),
    table("compress", kCompressRules, self<Document>, kCompressSection),
    table("cache", kCaches, self<Document>, kCacheSection),
    table("rate_limit", kRateLimits, self<Document>, kRateLimitSection),
    table("access", kAccessLists, self<Document>, kAccessSection),
    table("fault", kFaults, self<Document>, kFaultSection),
    table("limits", kTable, in_site<&SiteOptions::limits>, kLimits),
    table("blocklist", kTable, in_site<&SiteOptions::blocklist>, kBlocklist),
    table("ban", kBans, self<Document>, kBanSection),
    table("defaults", kDefaults, self<Document>, kDefaultsSection),
    table("route", kRoutes, self<Document>, kRouteSection),
    later("cluster"),
};
// clang-format on

}  // namespace

constinit const Section kFile = {"", "", Shape::kTable, kFileKeys};

}  // namespace rpx::config
