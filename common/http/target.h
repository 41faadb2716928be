// Request targets: which form, whose authority, which canonical path. Called by the HTTP/1 parser, and by
// whoever gets a target another way. Pure.
#pragma once

#include <string_view>

#include "base/arena.h"
#include "base/error.h"
#include "http/message.h"

namespace rpx::http {

/// Takes a target apart by RFC 9112 section 3.2 and fills path, lax_path and query of `out`. An absolute form also
/// fills host, authority and port; of schemes only http and https are taken, userinfo is not. "*" is for OPTIONS only.
/// Errors: kBadRequest, Side::kClient.
Status parse_target(std::string_view raw, Method method, Arena& arena, Target& out);

/// Fills host, authority and port of `out` from a Host value or an authority: a name of letters, digits, '-', '_' and
/// '.', an IPv4 address or an IPv6 address in brackets; then nothing, ":", or ":" and a port of 1–65535 without leading
/// zeros. Errors: kBadRequest, Side::kClient.
Status parse_authority(std::string_view text, Arena& arena, Target& out);

/// Whether parse_authority would take `text`.
bool is_authority(std::string_view text) noexcept;

/// Fills path and lax_path of `out` by the rules of canonical_path and lax_path (http/h1_parse.h).
Status canonical_paths(std::string_view path, Arena& arena, Target& out);

}  // namespace rpx::http
