// One line of a blocklist: `CIDR [until=RFC3339] [reason…]`, with `#` before a comment. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/ip.h"
#include "base/units.h"

namespace rpx::policy {

/// What a line says; `reason` is a part of the line it was read from.
struct BlockLine {
  IpPrefix prefix;
  std::optional<WallTime> until;  ///< nothing: for good
  std::string_view reason;        ///< without blanks at its ends
};

/// An entry with texts of its own: what is added to a list.
struct BlockItem {
  IpPrefix prefix;
  std::optional<WallTime> until;
  std::string reason;
};

/// Nothing for an empty line or a comment. A comment after an entry begins with a blank and `#`. Errors: kConfig, in
/// one line without the place.
Result<std::optional<BlockLine>> parse_block_line(std::string_view line);
/// A line without its end, which parses to the same; times are written by the second, rounded up.
std::string format_block_line(const IpPrefix& prefix, const std::optional<WallTime>& until, std::string_view reason);
/// Whether `reason` can stand in a line: no control characters, no word that begins with `#`, not `until=` in front,
/// at most 200 bytes. Errors: kBadRequest.
Status check_block_reason(std::string_view reason);

}  // namespace rpx::policy
