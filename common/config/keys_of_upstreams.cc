#include "config/keys_of.h"

#include "config/checks.h"
#include "config/kinds.h"
#include "config/site.h"
#include "upstream/options.h"

namespace rpx::config {
namespace {

using tls::ClientOptions;
using upstream::BreakerOptions;
using upstream::ConnectOptions;
using upstream::EjectOptions;
using upstream::HealthOptions;
using upstream::HedgeOptions;
using upstream::RetryOptions;
using upstream::ServerOptions;
using upstream::StickyOptions;
using upstream::UpstreamOptions;

// clang-format off
constexpr Key kServerKeys[] = {
    key("url", kAddress, at<&ServerOptions::url>, "",
        "\"http://host:port\", \"https://host:port\" or \"unix:path\"; for tcp listeners \"tcp://host:port\" too",
        {.example = R"("http://127.0.0.1:3000")", .check = check_server_url, .required = true}),
    key("weight", kCount, at<&ServerOptions::weight>, "1",
        "share of the requests, relative to the other servers", {.least = 1, .most = 65535}),
    key("backup", kBool, at<&ServerOptions::backup>, "false",
        "used only when no other server can be, whatever its priority"),
    key("priority", kCount, at<&ServerOptions::priority>, "0",
        "servers of a higher number are used only when none of a lower one can be", {.most = 1000}),
    key("max_connections", kCount, at<&ServerOptions::max_connections>, "0",
        "requests it may have at once, of all workers; 0 = no limit", {.unit = "requests"}),
    key("resolve", kDuration, at<&ServerOptions::resolve>, R"("0s")",
        "each address that the name has is a server of its own; the name is asked for again when its TTL is over, after "
        "this at the latest; 0 = one server, whose addresses are tried in turn"),
    key("srv", kText, at<&ServerOptions::srv>, R"("")",
        "service such as \"_http._tcp.example.com\" whose SRV records in DNS say which servers there are, with ports, "
        "weights and priorities; the URL says how they are spoken to and what they are called",
        {.check = check_service}),
};
constexpr Section kServer = {"servers", "A server, where its URL alone does not say everything.", Shape::kTables, kServerKeys};

constexpr Key kConnectKeys[] = {
    key("timeout", kDuration, at<&ConnectOptions::timeout>, R"("2s")",
        "to connect, TLS handshake included, per address", {.zero = Zero::kRefused}),
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
    key("backoff", kDuration, at<&RetryOptions::backoff>, R"("0s")",
        "the pause before the first further try, twice as long before each more, to 10s; half of it by chance; 0 = none"),
    key("retry_after", kDuration, at<&RetryOptions::retry_after>, R"("0s")",
        "the longest Retry-After that is minded, of a 429 or 503 that is in \"on\": the server is left alone for so long "
        "while others can be used, and waited for where there is no other; 0 = none is"),
    key("idempotency_key", kBool, at<&RetryOptions::idempotency_key>, "true",
        "a request with an Idempotency-Key is repeated whatever its method"),
    key("replay", kSize, at<&RetryOptions::replay>, R"("64KiB")",
        "longest request body that is kept, so that it can be sent to another server; 0 = none is",
        {.most = Size{64} * 1024 * 1024}),
};
constexpr Section kRetry = {"retry", "When a request is tried with another server.", Shape::kTable, kRetryKeys};

constexpr Key kHealthKeys[] = {
    key("tcp", kBool, at<&HealthOptions::tcp>, "false",
        "a connection that is accepted is enough; no request is sent"),
    key("tls", kBool, at<&HealthOptions::tls>, "false",
        "so is a TLS handshake with a certificate that is good, as [upstream.NAME.tls] has it, whatever is spoken inside"),
    key("grpc", kBool, at<&HealthOptions::grpc>, "false",
        "the server is asked by grpc.health.v1, over HTTP/2"),
    key("service", kText, at<&HealthOptions::service>, R"("")",
        "which of its services is asked about, with grpc; \"\" = the server as a whole", {.check = check_grpc_service}),
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
};
constexpr Section kHealth = {"health", "Active checks of the servers; none without this table.", Shape::kTable, kHealthKeys, {}, {}, check_health};

constexpr Key kEjectKeys[] = {
    key("errors", kCount, at<&EjectOptions::errors>, "5",
        "failures in a row that take a server out: failed connects, broken or late replies, any 5xx; 0 = not minded",
        {.most = 100'000, .unit = "failures"}),
    key("failure_rate", kShare, at<&EjectOptions::failure_rate>, R"("0%")",
        "share of failures that does so too, of at least 20 requests within 10 s; 0% = not minded"),
    key("latency", kCount, at<&EjectOptions::latency>, "0",
        "a server does so too whose replies take so many times as long as is typical for the others, and 10 ms more, of "
        "at least 20 replies; 0 = not minded", {.most = 1000, .unit = "times"}),
    key("for", kDuration, at<&EjectOptions::lasting>, R"("10s")",
        "how long it is out; twice as long each further time, to 5m; then one request tries it before all others may",
        {.zero = Zero::kRefused}),
    key("max", kShare, at<&EjectOptions::max>, R"("50%")",
        "never more of the servers than this at once, though one may always go where there are two"),
};
constexpr Section kEject = {"eject", "When requests that fail take a server out for a while; never without this table.", Shape::kTable, kEjectKeys, {}, {}, check_eject};

constexpr Key kBreakerKeys[] = {
    key("failure_rate", kShare, at<&BreakerOptions::failure_rate>, R"("50%")",
        "share of a server's requests that fail, or are late, past which its circuit opens; 0% = not minded"),
    key("slow", kDuration, at<&BreakerOptions::slow>, R"("0s")",
        "a reply that takes longer counts as late; 0 = none does"),
    key("requests", kCount, at<&BreakerOptions::requests>, "20",
        "fewer requests than this say nothing", {.least = 1, .most = 1'000'000, .unit = "requests"}),
    key("window", kDuration, at<&BreakerOptions::window>, R"("10s")",
        "the time over which they are counted", {.zero = Zero::kRefused}),
    key("pending", kCount, at<&BreakerOptions::pending>, "0",
        "more requests than this at a server at once, of all workers, open its circuit too; 0 = not minded",
        {.most = 1'000'000, .unit = "requests"}),
    key("for", kDuration, at<&BreakerOptions::lasting>, R"("10s")",
        "how long a circuit stays open; then requests try the server, one at a time", {.zero = Zero::kRefused}),
    key("trials", kCount, at<&BreakerOptions::trials>, "3",
        "how many of these have to go well to close the circuit; one that fails opens it anew",
        {.least = 1, .most = 1000, .unit = "requests"}),
};
constexpr Section kBreaker = {"breaker", "A circuit breaker for each server: while it is open the server gets nothing, and where all are open requests fail at once; none without this table.", Shape::kTable, kBreakerKeys, {}, {}, check_breaker};

constexpr Key kHedgeKeys[] = {
    key("after", kDuration, at<&HedgeOptions::after>, R"("100ms")",
        "how long the first server has before a second one is asked as well", {.zero = Zero::kRefused}),
    key("percentile", kCount, at<&HedgeOptions::percentile>, "0",
        "or, where that is longer, as long as so many of 100 replies of the upstream took of late; 0 = not minded",
        {.most = 99}),
};
constexpr Section kHedge = {"hedge", "Slow reads (GET, HEAD and OPTIONS without a body) are asked of a second server too, within retry.budget; the first reply is taken. Not without this table.", Shape::kTable, kHedgeKeys};

constexpr Key kStickyKeys[] = {
    key("cookie", kText, at<&StickyOptions::cookie>, R"("")",
        "name of a cookie of ours that says, to us alone, which server has the session; one of its own for each upstream "
        "of a site",
        {.start = R"("rpx")", .check = check_cookie_name}),
    key("learn", kText, at<&StickyOptions::learn>, R"("")",
        "instead: name of a cookie that the servers set, such as \"JSESSIONID\"; who shows it again goes to the server that "
        "set it", {.check = check_cookie_name}),
    key("source", kText, at<&StickyOptions::source>, R"("")",
        "instead: \"ip\", requests of a client's address go to the server that has had its first one",
        {.check = check_session_source}),
    key("entries", kCount, at<&StickyOptions::entries>, "100000",
        "how many sessions are remembered, with learn and source; then the one goes that was idle for longest",
        {.least = 1, .most = 10'000'000, .unit = "sessions"}),
    key("idle", kDuration, at<&StickyOptions::idle>, R"("30m")",
        "for how long one is remembered without a request", {.zero = Zero::kRefused}),
    key("secure", kBool, at<&StickyOptions::secure>, "true",
        "a cookie set over https is only sent back over https"),
    key("same_site", kText, at<&StickyOptions::same_site>, R"("lax")",
        "whether it is sent with requests from other sites", {.choices = "lax strict none off"}),
    key("ttl", kDuration, at<&StickyOptions::ttl>, R"("0s")",
        "how long it lasts, from the session's begin; 0 = until the browser ends"),
    key("key_file", kFilePath, at<&StickyOptions::key_file>, R"("")",
        "file with a secret of at least 16 bytes, so that sessions outlive a restart and other proxies know them; "
        "\"\" = a secret drawn at start"),
};
constexpr Section kSticky = {"sticky", "Requests of a session go to the server that has it; without this table each is balanced.", Shape::kTable, kStickyKeys, {}, {}, check_sticky};

constexpr Key kServerTlsKeys[] = {
    key("verify", kBool, at<&ClientOptions::verify>, "true",
        "a server must show a certificate for its name, by an authority we trust; false = anybody may be the server"),
    key("ca", kFilePath, at<&ClientOptions::ca>, R"("")",
        "PEM file with the authorities that are trusted, or the server's own certificate; \"\" = the system's",
        {.check = check_certificates}),
    key("name", kText, at<&ClientOptions::name>, R"("")",
        "name that is asked for (SNI) and verified; \"\" = the host of the server's URL", {.check = check_tls_name}),
    key("cert", kFilePath, at<&ClientOptions::cert>, R"("")",
        "PEM file: our own certificate, then intermediates, for servers that ask for one"),
    key("key", kFilePath, at<&ClientOptions::key>, R"("")", "PEM file with its private key, without passphrase"),
};
constexpr Section kServerTls = {"tls", "TLS to servers whose URL begins with https.", Shape::kTable, kServerTlsKeys, {}, {}, check_server_tls};

constexpr Key kUpstreamKeys[] = {
    list("servers", kServers, at<&UpstreamOptions::servers>, kServer,
         "URLs, or tables where there is more to say of a server",
         {.example = R"(["http://127.0.0.1:3000"])",
           .start = R"(["http://127.0.0.1:3000", { url = "http://127.0.0.1:3001", weight = 1, backup = true }])"}),
    key("servers_file", kFilePath, at<&UpstreamOptions::servers_file>, R"("")",
        "file with more servers, a line each: URL, then weight=N, priority=N, max_connections=N, backup where need be; "
        "read again when it changes; one that is wrong or empty changes nothing"),
    key("balance", kText, at<&UpstreamOptions::balance>, R"("round_robin")",
        "how a server is chosen",
        {.choices = "round_robin least_connections least_time random_two ip_hash hash first"}),
    key("hash", kText, at<&UpstreamOptions::hash>, R"("")",
        "what \"hash\" goes by, as a template such as \"{header:X-User}\"; requests of one value go to one server",
        {.check = check_hash}),
    key("host", kText, at<&UpstreamOptions::host>, R"("preserve")",
        "Host that is sent on: preserve (what the client sent), server, or a fixed name",
        {.choices = "preserve server", .check = check_host_value}),
    key("protocol", kText, at<&UpstreamOptions::protocol>, R"("http/1.1")",
        "what is spoken to the servers: http/1.1; h2 with https servers; h2c, which is HTTP/2 in the clear; auto: h2 with "
        "those https servers that agree to it. Requests share connections of HTTP/2",
        {.choices = "http/1.1 h2 h2c auto"}),
    key("proxy_protocol", kCount, at<&UpstreamOptions::proxy_protocol>, "0",
        "version of the PROXY header that tells the servers who the client is, 1 or 2; 0 = none; connections that begin "
        "with one are not kept for other requests", {.most = 2}),
    key("hold", kDuration, at<&UpstreamOptions::hold>, R"("0s")",
        "how long requests wait for a server to come back when none is well, max_pending of them at most; 0 = they fail "
        "at once"),
    key("panic", kShare, at<&UpstreamOptions::panic>, R"("0%")",
        "when a smaller share of the servers than this is well, all are used as if they were; 0% = only when none is, and "
        "hold is over"),
    table("connect", kTable, at<&UpstreamOptions::connect>, kConnect),
    table("retry", kTable, at<&UpstreamOptions::retry>, kRetry),
    table("health", kTable, at<&UpstreamOptions::health>, kHealth),
    table("eject", kTable, at<&UpstreamOptions::eject>, kEject),
    table("breaker", kTable, at<&UpstreamOptions::breaker>, kBreaker),
    table("hedge", kTable, at<&UpstreamOptions::hedge>, kHedge),
    table("tls", kTable, at<&UpstreamOptions::tls>, kServerTls),
    table("sticky", kTable, at<&UpstreamOptions::sticky>, kSticky),
};

}  // namespace

constinit const Section kUpstreamSection = {"upstream", "A pool of servers, named for the routes that use it.", Shape::kNamed, kUpstreamKeys, {}, {}, check_upstream};
// clang-format on

}  // namespace rpx::config
