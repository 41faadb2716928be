// What a configuration says of certificates, read without a proxy; and what a proxy serves of it. Main thread.
#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "cli/spec.h"
#include "tls/openssl.h"

namespace rpx::cert {

/// One [[certificate]].
struct Configured {
  std::string cert;
  std::string key;
  std::string problem;  ///< why it cannot be served; then the rest is empty
  std::vector<tls::X509Ptr> chain;
  std::vector<std::string> names;
  std::string fingerprint;
  std::vector<std::string> listeners;  ///< "127.0.0.1:8443", those of TLS that a client here may reach
};

struct ConfiguredSite {
  std::string file;
  std::vector<Configured> certificates;
  std::vector<std::string> hosts_without;  ///< of routes, where there is a TLS listener
};

/// Errors: kUsage, kConfig with all problems on stderr.
Result<ConfiguredSite> read_configured(const cli::Common& common);

/// Asks each listener for each name: what it sends instead of `one`. A listener that is not there tells nothing.
std::vector<std::string> served_otherwise(const Configured& one, Duration timeout);

}  // namespace rpx::cert
