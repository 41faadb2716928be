#include "base/error.h"

#include <array>
#include <cstring>

#include "base/check.h"

namespace rpx {
namespace {

using enum ErrorKind;

constexpr std::array<ErrorFacts, kErrorKinds> kFacts{{
    {kBadRequest, "bad_request", 400, false, "http_request_error"},
    {kUriTooLong, "uri_too_long", 414, false, "http_request_error"},
    {kHeaderTooLarge, "header_too_large", 431, false, "http_request_error"},
    {kBodyTooLarge, "body_too_large", 413, false, "http_request_error"},
    {kUnsupportedCoding, "unsupported_coding", 415, false, "http_request_error"},
    {kMethodNotAllowed, "method_not_allowed", 405, false, "http_request_denied"},
    {kVersionNotSupported, "version_not_supported", 505, false, "http_request_error"},
    {kMisdirected, "misdirected", 421, false, "http_request_denied"},
    {kExpectationFailed, "expectation_failed", 417, false, "http_request_denied"},
    {kHeaderTimeout, "header_timeout", 408, false, ""},
    {kBodyTimeout, "body_timeout", 408, false, ""},
    {kBodyTooSlow, "body_too_slow", 408, false, ""},
    {kWriteTimeout, "write_timeout", 504, false, "connection_write_timeout"},
    {kIdleTimeout, "idle_timeout", 504, false, "connection_read_timeout"},
    {kClosed, "closed", 502, true, "connection_terminated"},
    {kReset, "reset", 502, true, "connection_terminated"},
    {kUnresolved, "unresolved", 503, true, "dns_error"},
    {kConnectRefused, "connect_refused", 502, true, "connection_refused"},
    {kConnectTimeout, "connect_timeout", 504, true, "connection_timeout"},
    {kConnectFailed, "connect_failed", 502, true, "destination_ip_unroutable"},
    {kNoServer, "no_server", 503, false, "destination_unavailable"},
    {kPoolFull, "pool_full", 503, true, "connection_limit_reached"},
    {kResponseTimeout, "response_timeout", 504, true, "http_response_timeout"},
    {kBadResponse, "bad_response", 502, false, "http_protocol_error"},
    {kResponseTruncated, "response_truncated", 502, true, "http_response_incomplete"},
    {kResponseTooLarge, "response_too_large", 502, false, "http_response_header_section_size"},
    {kUpgradeFailed, "upgrade_failed", 502, false, "http_upgrade_failed"},
    {kTlsCertificate, "tls_certificate", 502, true, "tls_certificate_error"},
    {kTlsProtocol, "tls_protocol", 502, true, "tls_protocol_error"},
    {kNoRoute, "no_route", 404, false, "http_request_denied"},
    {kOverload, "overload", 503, false, "proxy_internal_error"},
    {kDraining, "draining", 503, false, "proxy_internal_response"},
    {kCancelled, "cancelled", 503, false, ""},
    {kUsage, "usage", 400, false, ""},
    {kConfig, "config", 400, false, "proxy_configuration_error"},
    {kNotFound, "not_found", 404, false, ""},
    {kIo, "io", 500, false, "proxy_internal_error"},
    {kInternal, "internal", 500, false, "proxy_internal_error"},
}};

consteval bool in_order() {
  for (std::size_t i = 0; i < kFacts.size(); ++i)
    if (kFacts[i].kind != static_cast<ErrorKind>(i)) return false;
  return true;
}
static_assert(in_order(), "kFacts is indexed by ErrorKind");

}  // namespace

const ErrorFacts& facts_of(ErrorKind kind) noexcept { return kFacts[static_cast<std::size_t>(kind)]; }

std::string errno_text(std::string_view call, int code) {
  std::array<char, 128> text{};
  std::string out(call);
  out += ": ";
  out += strerror_r(code, text.data(), text.size());
  return out;
}

void fail_check(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "rpx: %s:%d: broken precondition: %s\n", file, line, expression);
  std::abort();
}

}  // namespace rpx
