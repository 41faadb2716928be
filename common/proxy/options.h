// A whole configuration as plain values: what config/ reads, what Site::build compiles, what reload compares.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/log.h"
#include "base/units.h"
#include "cache/options.h"
#include "http/limits.h"
#include "net/resolver.h"
#include "policy/access.h"
#include "policy/ban.h"
#include "policy/blocklist_options.h"
#include "policy/compress.h"
#include "policy/fault.h"
#include "policy/maintenance.h"
#include "policy/options.h"
#include "policy/rate_limit.h"
#include "proxy/acme_options.h"
#include "tls/options.h"
#include "upstream/options.h"

namespace rpx::proxy {

struct ServeOptions {
  std::uint32_t workers = 0;   ///< event-loop threads; 0 = one per available core
  std::string control;         ///< absolute path of the control socket; empty = none
  std::string state = "auto";  ///< absolute path of what outlives a restart; "auto" = beside `control`, "off" = nothing
  std::string user;            ///< drop to this user after binding; empty = stay
  Duration grace = std::chrono::seconds(30);
  std::uint32_t max_connections = 50'000;  ///< 1–10,000,000
  Duration wait_ready{};                   ///< how long being ready waits for the first active checks
  std::string server_name;                 ///< Server header; empty = none is sent
  bool via = false;
  bool sandbox = true;  ///< give up what a proxy has no use for once it runs
};

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  std::string errors = "stderr";  ///< "stderr", "syslog" or an absolute path
  std::string access = "off";     ///< "off", "stdout", "stderr", "syslog" or an absolute path
  std::string format = "json";    ///< "json", "common", "combined" or a template
};

struct ListenOptions {
  std::string name;                       ///< unique; the address where none was given
  std::string address;                    ///< "host:port", ":port", "[::1]:port", "unix:/abs/path", "fd:3"
  bool tls = false;                       ///< clients speak TLS
  std::vector<std::string> protocols;     ///< "h2", "http/1.1", "h2c"; empty = what suits `tls`
  bool redirect_https = false;            ///< every request is answered with a redirect to https
  std::uint32_t https_port = 443;         ///< and to this port, 1–65535
  std::vector<IpPrefix> proxy_protocol;   ///< peers that must open with a PROXY header
  std::vector<IpPrefix> trusted_proxies;  ///< peers whose forwarding fields are believed
  std::string mode = "http";              ///< "http", or "tcp": bytes are passed on as they are
  std::uint32_t max_connections = 0;      ///< open at once; 0 = as many as [serve] has
  policy::NameValues pass;                ///< of a TLS listener: SNI names whose connections go to an upstream unread
  std::string upstream;                   ///< of a tcp listener without `sni`: name of an UpstreamOptions
  policy::NameValues sni;                 ///< of a tcp listener: "a.example", "*.example" or "*" to such a name
  Duration idle = std::chrono::minutes(10);  ///< of a tcp listener: both ways silent for so long ends a connection
  bool is_tcp() const noexcept { return mode == "tcp"; }
};

struct RouteTimeouts {
  Duration response = std::chrono::seconds(60);  ///< from the request sent to the reply's head
  Duration idle = std::chrono::seconds(60);      ///< between two reads of the reply's body, and in a tunnel
};

/// Where the control API is over TCP: for whoever shows the token, and read-only for everybody else.
struct AdminOptions {
  std::string address;  ///< "host:port"; empty = nowhere
  std::string token;    ///< empty = nobody may change anything
};

/// Where a value was written, for reports: "rpx.toml" 12.
struct Origin {
  std::string file;
  std::uint32_t line = 0;
};

/// Copies of requests for servers that only watch.
struct MirrorOptions {
  std::string upstream;                        ///< name of an UpstreamOptions
  std::uint32_t percent = 100;                 ///< of the requests, 0–100
  Duration timeout = std::chrono::seconds(5);  ///< for all of a copy's exchange
  Size body = Size{64} * 1024;                 ///< a request with a longer body is not copied
  std::uint32_t max_pending = 100;             ///< copies under way at once, of each worker; more are dropped
};

struct RouteOptions {
  std::string name;               ///< unique; "route-N" where none was given
  std::vector<std::string> host;  ///< "example.com", "*.example.com"; empty = any
  std::string path = "/*";        ///< exact, prefix with /*, or "~ regex"
  std::vector<std::string> methods;
  policy::NameValues header;   ///< must match; "*" = present
  std::string upstream;        ///< name of an UpstreamOptions (an URL in the file has been made into one)
  policy::SplitOptions split;  ///< instead of `upstream`
  std::optional<MirrorOptions> mirror;
  std::string strip_prefix;
  std::optional<policy::RewriteOptions> rewrite;
  std::optional<policy::RedirectOptions> redirect;
  std::optional<policy::RespondOptions> respond;
  RouteTimeouts timeout;
  Size bandwidth = 0;              ///< bytes a second of each reply; 0 = as fast as it goes
  std::optional<Size> body_bytes;  ///< absent = [limits].body_bytes
  policy::HeaderRuleOptions request_headers;
  policy::HeaderRuleOptions response_headers;
  bool hide_origin = true;
  std::string compress = "default";  ///< name of a CompressOptions; empty = bodies go as they are
  std::string cache;                 ///< name of a CacheOptions; empty = nothing is stored
  std::optional<policy::MaintenanceOptions> maintenance;
  std::string access;                   ///< name of an AccessOptions; empty = everybody
  std::vector<std::string> rate_limit;  ///< names of RateLimitOptions
  policy::ErrorPageOptions errors;      ///< absolute paths
  std::string fault;                    ///< name of a FaultOptions; empty = none
  Origin origin;
};

struct SiteOptions {
  ServeOptions serve;
  net::ResolverOptions resolver;
  LogOptions log;
  AdminOptions admin;
  std::vector<ListenOptions> listen;
  tls::TlsOptions tls;
  std::vector<tls::CertificateOptions> certificates;
  AcmeOptions acme;
  std::vector<upstream::UpstreamOptions> upstreams;
  std::vector<RouteOptions> routes;
  std::vector<policy::CompressOptions> compress;
  std::vector<cache::CacheOptions> cache;
  std::vector<policy::RateLimitOptions> rate_limits;
  std::vector<policy::AccessOptions> access;
  std::vector<policy::FaultOptions> faults;
  http::Limits limits;
  policy::BlocklistOptions blocklist;
  std::vector<policy::BanOptions> bans;
};

}  // namespace rpx::proxy
