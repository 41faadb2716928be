// Probes made from here rather than by the proxy: which servers, with which check, all at once. Used by the verbs
// that probe, on the main thread.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "cli/spec.h"
#include "tls/options.h"
#include "upstream/probe.h"

namespace rpx::check {

/// A server to probe, and how.
struct Subject {
  std::string upstream;  ///< empty for one that no file names
  std::string url;
  upstream::HealthOptions check;
  tls::ClientOptions tls = {};  ///< for https
};

/// What is asked on the command line; one of the three at most.
struct Kind {
  bool tcp = false;
  bool tls = false;
  bool grpc = false;
  std::string service;  ///< of gRPC; empty = the server as a whole
};

/// Every server of the configuration. Errors: kConfig, its problems having been printed; kUsage without a file.
Result<std::vector<Subject>> subjects_of_file(const cli::Common& common);
/// The servers `urls` mean. One that has no path and is in the configuration gets the check it has there; others are
/// asked for their path. Errors: kUsage; as subjects_of_file when -c was given.
/// `kind` is another check than the one with HTTP.
Result<std::vector<Subject>> subjects_of(const std::vector<std::string>& urls, const Kind& kind,
                                         const cli::Common& common);

/// The outcome of each, in the same order. Takes as long as the slowest.
std::vector<upstream::ProbeResult> probe_all(const std::vector<Subject>& subjects);

}  // namespace rpx::check
