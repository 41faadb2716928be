// The list a verb works on: files, or a running proxy that holds them. Opened by every verb; main thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/app.h"
#include "control/client.h"
#include "policy/blocklist.h"

namespace rpx::block {

/// What every verb can be told about where the list is.
struct Place {
  std::string file;      ///< --file: this file and no proxy
  bool offline = false;  ///< --offline: the files of the configuration, and no proxy
};
void add_place(cli::Verb& verb, Place& place);

/// Addresses that must not be locked out, and whose they are.
struct Guarded {
  IpPrefix prefix;
  std::string whose;
};

class List {
 public:
  /// Errors: kUsage, kConfig (printed already, the detail says that) when the configuration is wrong or names no files.
  static Result<List> open(const Place& place, const cli::Common& common);

  const std::vector<std::string>& files() const noexcept { return files_; }
  bool has_proxy() const noexcept { return proxy_.has_value(); }

  /// All entries that have not run out, with hits where a proxy counts them. Errors: as the client's, kConfig for a
  /// wrong file.
  Result<std::vector<policy::BlockEntry>> entries() const;
  /// The narrowest entry that blocks `ip`; nothing when it is let in.
  Result<std::optional<policy::BlockEntry>> find(const IpAddress& ip) const;
  Result<policy::BlockOutcome> edit(policy::BlockEdit edit) const;
  /// What of ours one of `items` would lock out, be it in part, as a text; empty when there is none.
  std::string lockout(const std::vector<policy::BlockItem>& items) const;

 private:
  Result<policy::BlockOutcome> add_at_proxy(const std::vector<policy::BlockItem>& items) const;
  Status del_at_proxy(const std::vector<IpPrefix>& prefixes, policy::BlockOutcome& outcome) const;

  policy::BlocklistOptions options_;
  std::vector<std::string> files_;
  std::optional<control::Client> proxy_;
  std::vector<Guarded> guarded_;
};

}  // namespace rpx::block
