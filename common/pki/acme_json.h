// What an ACME server says (RFC 8555 section 7.1, RFC 9773), as plain values. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/units.h"

namespace rpx::pki {

/// Where its resources are. Empty = it has none.
struct AcmeDirectory {
  std::string new_nonce;
  std::string new_account;
  std::string new_order;
  std::string revoke;
  std::string renewal_info;
  std::string terms;
  bool needs_external_account = false;
};

struct AcmeOrder {
  std::string status;  ///< "pending", "ready", "processing", "valid", "invalid"
  std::vector<std::string> authorizations;
  std::string finalize;
  std::string certificate;
  std::string error;
};

struct AcmeAuthorization {
  std::string status;
  std::string name;
  std::string url;    ///< of the challenge that was asked for; empty when it is not offered
  std::string token;  ///< of that
  std::string error;  ///< of that
};

struct RenewalWindow {
  WallTime from{};
  WallTime until{};
  Duration ask_again{};  ///< the server wants to be asked again after so long
};

// Errors of all: kBadResponse.
Result<AcmeDirectory> parse_directory(const std::string& json);
Result<AcmeOrder> parse_order(const std::string& json);
Result<AcmeAuthorization> parse_authorization(const std::string& json, std::string_view challenge);
Result<RenewalWindow> parse_renewal(const std::string& json);

/// An RFC 9457 problem: its type behind "urn:ietf:params:acme:error:", and what to tell a person.
struct AcmeProblem {
  std::string type;
  std::string text;
};
AcmeProblem parse_problem(const std::string& json);

/// `text` in quotes, as JSON.
std::string json_text(std::string_view text);

}  // namespace rpx::pki
