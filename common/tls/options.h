// TLS as configured: [tls], each [[certificate]], and [upstream.NAME.tls]. config/ fills these, the contexts of
// this folder act on them. Values, any thread.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>

#include "base/units.h"

namespace rpx::tls {

struct CertificateOptions {
  std::string cert;  ///< absolute path of a PEM file: the leaf first, then intermediates
  std::string key;   ///< absolute path of its private key, PEM without passphrase
  auto operator<=>(const CertificateOptions&) const = default;
};

/// What clients are offered.
struct TlsOptions {
  std::string min_version = "1.2";       ///< "1.2" or "1.3"
  std::string ciphers = "intermediate";  ///< "modern" (TLS 1.3 alone), "intermediate", or OpenSSL cipher strings
  bool session_tickets = true;
  Duration ticket_rotation = std::chrono::hours(12);  ///< a key makes tickets so long, and opens them for as long again
  std::string client_ca;                              ///< absolute path of a PEM bundle; empty = none
  std::string client_verify = "off";                  ///< "off", "optional", "required"
  bool watch = true;                                  ///< certificates whose files change are read again
  std::uint32_t max_handshakes = 10'000;              ///< in progress at once, over all workers; 0 = no bound
  bool ocsp_stapling = true;                          ///< for certificates that name a responder
  std::string key_log;  ///< absolute path of a file that gets the secrets of all connections; empty = none
  auto operator<=>(const TlsOptions&) const = default;
};

/// How servers are spoken to whose URL begins with https.
struct ClientOptions {
  bool verify = true;
  std::string ca;    ///< absolute path of a PEM bundle; empty = the system's
  std::string name;  ///< SNI, and the name that is verified; empty = the server's host
  std::string cert;  ///< our own certificate; empty = none
  std::string key;
  auto operator<=>(const ClientOptions&) const = default;
};

}  // namespace rpx::tls
