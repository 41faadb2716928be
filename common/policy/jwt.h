// JSON Web Tokens (RFC 7519) in the compact form that clients show: who signed one, what it says of the client, and
// whether that is enough. Pure, time included; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/units.h"
#include "policy/auth_options.h"
#include "policy/credential_memory.h"
#include "policy/json_web_keys.h"

namespace rpx::policy {

enum class JwtFault : std::uint8_t {
  kNone,
  kInvalid,       ///< RFC 6750 section 3.1, invalid_token: 401
  kUnknownKey,    ///< the same; newer keys may have the one it was signed with
  kInsufficient,  ///< insufficient_scope: 403
};

/// What became of a token.
struct JwtVerdict {
  JwtFault fault = JwtFault::kInvalid;
  std::string_view why;  ///< printable and without quotes, for error_description; static
  IdentityPtr identity;  ///< with kNone alone
  WallTime until{};      ///< it is good no longer than this, leeway included
};

/// Judges `token` at the time `now`. The signature comes first; of a token without a good one nothing else is told.
JwtVerdict judge_token(std::string_view token, const JsonWebKeys& keys, const JwtOptions& options, WallTime now);

/// The token in the value of an Authorization field with the scheme Bearer (RFC 6750 section 2.1); empty where it is
/// another, or no token68.
std::string_view bearer_token(std::string_view authorization) noexcept;

}  // namespace rpx::policy
