// A certificate as served: chain, key, and the names it is for. Read from PEM files when a site is built or
// checked. Values, any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/units.h"
#include "tls/openssl.h"
#include "tls/options.h"

namespace rpx::tls {

/// A file as it was when it was read, to tell whether it has been changed or replaced since.
struct FileMark {
  std::uint64_t inode = 0;  ///< 0: there was none
  std::int64_t size = 0;
  std::int64_t changed_ns = 0;
  auto operator<=>(const FileMark&) const = default;
};
/// Of the file at `path` now.
FileMark mark_of(const std::string& path) noexcept;

struct Certificate {
  std::vector<X509Ptr> chain;  ///< the leaf first
  KeyPtr key;
  std::vector<std::string> names;  ///< DNS names of its SANs in lower case, "*.example.com" among them
  std::vector<IpAddress> addresses;
  std::string fingerprint;  ///< SHA-256 of the leaf, 64 hexadecimal digits
  std::string problem;      ///< why it cannot be served; empty = it can. Names are there as far as they are known
  std::string warning;      ///< it can be served, but clients will hardly like it; empty = fine
};

/// The subject alternative names of a certificate, as far as they name hosts.
struct Names {
  std::vector<std::string> dns;  ///< in lower case, "*.example.com" among them
  std::vector<IpAddress> addresses;
};
Names names_of(const X509* certificate);

/// Reads one certificate; what is wrong is in `problem`. `now` is what its dates are held against.
Certificate load_certificate(const CertificateOptions& options, WallTime now);

/// SHA-256 of `certificate`, 64 hexadecimal digits.
std::string fingerprint_of(const X509* certificate);
/// Its subject as RFC 2253 has it, in printable ASCII: "CN=alice,O=Example".
std::string subject_of(const X509* certificate);

/// The certificates of a PEM bundle such as client_ca. Errors: kConfig, with the path.
Result<std::vector<X509Ptr>> read_bundle(const std::string& path);

}  // namespace rpx::tls
