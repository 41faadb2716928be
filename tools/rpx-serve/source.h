// Where the configuration of this run comes from, and where a running proxy listens for control. Used by every verb;
// the source is kept by a running proxy for its reloads. Reads files; not on a worker.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/spec.h"
#include "config/config.h"

namespace rpx::serve {

class Source {
 public:
  /// `common.config`, or the first of $RPX_CONFIG, ./rpx.toml and /etc/rpx/rpx.toml that exists; "-" reads stdin to its
  /// end, here. Errors: kUsage naming the places looked at, kIo.
  static Result<Source> from_file(const cli::Common& common, std::vector<std::string> sets);
  /// No file: `listen` addresses (absent = a free port of loopback) in front of the servers `to`.
  static Source from_arguments(std::vector<std::string> listen, std::vector<std::string> to,
                               std::vector<std::string> sets);
  /// `text` as if it were the file `name`.
  static Source from_text(std::string name, std::string text);

  std::expected<config::Loaded, std::vector<config::Problem>> load() const;
  /// The same for a reload: what did not come from a file cannot be read again, which is a problem too.
  std::expected<config::Loaded, std::vector<config::Problem>> load_again() const;
  /// What is wrong with `text` when it stands where the file does.
  std::expected<config::Loaded, std::vector<config::Problem>> load_text(std::string text) const;

  /// The file as it was named; empty when there is none.
  const std::string& file() const noexcept { return request_.file; }
  /// Its absolute path; empty when the configuration came from no file.
  std::string path() const;

 private:
  config::LoadRequest request_;
  std::vector<std::string> listen_;
  std::vector<std::string> to_;
  bool quick_ = false;
};

/// The control socket that serves when a configuration does not say: absolute.
std::string default_socket();
/// Where to ask a running proxy: --socket, the serve.control of the configuration (which may be wrong elsewhere), or
/// the default. Errors: kUsage when -c names no readable file.
Result<std::string> find_socket(const cli::Common& common);

/// `problems` as text on stderr; JSON is not this function's. Returns whether one of them is an error.
bool print_problems(const std::vector<config::Problem>& problems);

}  // namespace rpx::serve
