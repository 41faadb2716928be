// Chains of certificates by what the user calls them: a PEM file, standard input, or a server. Main thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "cli/output.h"
#include "cli/spec.h"
#include "pki/served.h"

namespace rpx::cert {

struct Chain {
  std::vector<tls::X509Ptr> certificates;  ///< the leaf first, at least one
  std::string host;                        ///< of the server it came from; empty for a file
  std::string version;                     ///< of TLS it was served with; empty for a file
};

/// `target` is a file that exists, "-", or host[:port]. `name` replaces the host for SNI. Errors: kConfig, kUsage, and
/// those of pki::fetch_served.
Result<Chain> load_chain(const std::string& target, const std::string& name, Duration timeout);

/// --timeout, or 10 s.
Duration patience_of(const cli::Common& common);
/// Prints `records` as `common` says.
void print(const cli::Records& records, const cli::Common& common);
/// "2027-01-31T12:00:00Z".
std::string time_text(WallTime time);

}  // namespace rpx::cert
