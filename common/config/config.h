// The configuration: TOML in, proxy::SiteOptions out, with everything that is wrong in it told at once; and
// back again as text. Called by tools and control/. Reads files, so not on a worker; otherwise any thread.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/expand.h"
#include "config/problem.h"
#include "proxy/options.h"

namespace rpx::config {

struct LoadRequest {
  std::string file;                 ///< path; "-" when `text` came from stdin; empty = nothing but `sets`
  std::optional<std::string> text;  ///< taken instead of the file's contents; `file` is then its name in problems
  std::vector<std::string> sets;    ///< "serve.workers=2", "listen[0].address=:8080": a TOML value, or else a text
  std::string base_directory;       ///< what paths in `text` and `sets` are relative to; empty = the current directory
  bool check_files = true;          ///< files the configuration names must be readable, its user must exist
  Environment environment = process_environment;
};

struct Loaded {
  proxy::SiteOptions options;
  std::vector<Problem> problems;   ///< warnings
  std::vector<std::string> files;  ///< absolute paths of all files read, for watching; the first one is the main file
};

/// Reads and checks a configuration. Error: everything that is wrong with it, warnings too, in the order of the files.
std::expected<Loaded, std::vector<Problem>> load(const LoadRequest& request);

/// A configuration without a file: listen on each of `listen`, hand everything to the servers `to` (URLs, of one
/// upstream). `sets` as in LoadRequest.
std::expected<Loaded, std::vector<Problem>> quick(const std::vector<std::string>& listen,
                                                  const std::vector<std::string>& to,
                                                  const std::vector<std::string>& sets = {});

/// Everything `options` say, with defaults filled in: loads as an equal configuration.
std::string effective_toml(const proxy::SiteOptions& options);
/// The same as JSON: durations in seconds, sizes in bytes, shares of 1.
std::string effective_json(const proxy::SiteOptions& options);

/// A file to begin with: every supported key at its default, with a comment each. Loads as it is.
std::string init_file();
/// The list of all supported keys in roff, for rpx.toml(5).
std::string man_keys();

/// What differs: a line per section, listener, upstream and route, such as `route api: changed (path, timeout)`.
std::vector<std::string> diff(const proxy::SiteOptions& before, const proxy::SiteOptions& after);

}  // namespace rpx::config
