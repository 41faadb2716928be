// What single texts of a configuration must look like. Pure, any thread. Each answers what is wrong, or nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "config/key.h"
#include "policy/text_template.h"

namespace rpx::config {

/// "host:port", ":port", "[::1]:port", "unix:path", "fd:N".
Complaint check_listen_address(std::string_view text);
/// "http://host[:port]", "https://host[:port]", "tcp://host:port" or "unix:path".
Complaint check_server_url(std::string_view text);
/// "_http._tcp.example.com"; empty is fine.
Complaint check_service(std::string_view text);
/// "127.0.0.1:53", "[::1]:5353": a DNS server.
Complaint check_dns_server(std::string_view text);
/// Whether `text` is meant as a server rather than as the name of an upstream.
bool looks_like_server(std::string_view text) noexcept;
/// An address or a prefix, or "all".
Complaint check_access_address(std::string_view text);
/// "/path", "/path/*" or nothing.
Complaint check_access_path(std::string_view text);
/// The path of a file with names and hashed passwords.
Complaint check_passwords(std::string_view path);
/// "http://host:port/path", or "/path".
Complaint check_auth_url(std::string_view text);
/// The same, or "" for none.
Complaint check_keys_url(std::string_view text);
/// A host and a port, or "" for none.
Complaint check_admin_address(std::string_view text);
/// What a header can hold, and nobody guesses; "" for none.
Complaint check_admin_token(std::string_view text);
/// The path of a file with a set of keys (RFC 7517).
Complaint check_keys(std::string_view path);
/// A field that a token's claim may be told in.
Complaint check_claim_field(std::string_view name);
/// A token, or "" for none.
Complaint check_cookie_name(std::string_view text);
/// A template of what a rate limit counts apart.
Complaint check_rate_key(std::string_view text);
/// What a client of a tcp listener asks for: "db.example", "*.example" or "*".
Complaint check_sni_name(std::string_view text);
/// An absolute path of a Unix socket must fit into its address.
Complaint check_socket_path(std::string_view path);

/// A name for listeners, upstreams and routes: it shows up in logs, metrics and URLs.
Complaint check_name(std::string_view text);
/// RFC 9110 section 5.6.2.
Complaint check_token(std::string_view text);
/// "ip", or nothing.
Complaint check_session_source(std::string_view text);
/// A request method: a token, and not a known one in the wrong case.
Complaint check_method(std::string_view text);
/// RFC 9110 section 5.5: no control characters, no blanks at the ends.
Complaint check_field_value(std::string_view text);
/// What Host is to be: a host, perhaps with a port.
Complaint check_host_value(std::string_view text);
Complaint check_host_pattern(std::string_view text);
Complaint check_path_pattern(std::string_view text);
/// "/v1": absolute, no wildcard, no query.
Complaint check_path_prefix(std::string_view text);
/// "connect", "timeout", "reset" (as choices of the row) or a status of an error.
Complaint check_retry_status(std::string_view text);
/// Of [upstream.NAME.health]: a path with or without query, and "200" or "200-399".
Complaint check_probe_path(std::string_view text);
Complaint check_status_range(std::string_view text);
/// "package.Service"; empty is fine.
Complaint check_grpc_service(std::string_view text);
/// "502", "5xx".
Complaint check_error_status(std::string_view text);
/// What of a header rule is checked.
enum class HeaderPart : std::uint8_t { kSetName, kAddName, kRemoveName, kValue };
/// One part of [request_headers] or [response_headers].
Complaint check_header_rule(std::string_view text, policy::TemplateUse use, HeaderPart part);
/// A name, or with `value` a value, of a fixed reply's headers.
Complaint check_reply_header(std::string_view text, bool value);
/// "text/html", "text/*" or "*/*" (RFC 9110 section 12.5.1, without parameters).
Complaint check_media_range(std::string_view text);

/// A template of a cache key.
Complaint check_cache_key(std::string_view text);
/// A header name, or "" for none.
Complaint check_tag_field(std::string_view text);

/// What OpenSSL takes as cipher suites.
Complaint check_ciphers(std::string_view text);
/// The path of a PEM file with certificates.
Complaint check_certificates(std::string_view path);
/// "https://host[:port]/path".
Complaint check_https_url(std::string_view text);
/// "name@host"; empty is fine.
Complaint check_email(std::string_view text);
/// What a certificate may be obtained for: a DNS name without a star, or an address.
Complaint check_acme_host(std::string_view text);
/// A name to send in SNI and to verify; empty is fine.
Complaint check_tls_name(std::string_view text);
/// A template of a log line.
Complaint check_hash(std::string_view text);
Complaint check_log_format(std::string_view text);

}  // namespace rpx::config
