// Access rules: [access.NAME]. The first rule that matches decides. Compiled with the site, asked by proxy/admission
// for every request of a route that names one. Immutable, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/ip.h"
#include "http/message.h"
#include "policy/auth_options.h"
#include "policy/ip_set.h"
#include "policy/options.h"

namespace rpx::policy {

/// One rule: who, and of what requests. Exactly one of `allow` and `deny` has addresses.
struct AccessRuleOptions {
  std::vector<std::string> allow;    ///< prefixes, or "all"
  std::vector<std::string> deny;     ///< the same
  std::vector<std::string> methods;  ///< empty = any
  std::string path;                  ///< exact, or a prefix with /*; empty = any
  NameValues header;                 ///< all of them; "*" = any value
  std::string certificate;  ///< subject or fingerprint of a verified client certificate, "*" = any; empty = none asked
};

struct AccessOptions {
  std::string name;
  std::vector<AccessRuleOptions> rules;  ///< the last one is about everybody; none = everybody is allowed
  std::vector<std::string> methods;      ///< the only ones; empty = any
  std::optional<BasicAuthOptions> basic_auth;
  std::optional<ForwardAuthOptions> forward_auth;
  std::optional<JwtOptions> jwt;
};

/// What is asked about.
struct AccessQuestion {
  const http::RequestHead& request;
  const IpAddress& client;
  bool has_address = true;  ///< false for a Unix socket's peer: only "all" is about it
  std::string_view certificate_subject;
  std::string_view certificate_fingerprint;
};

class Access {
 public:
  /// Errors: kConfig, for a prefix that is none.
  static Result<Access> compile(const AccessOptions& options);
  bool allows_method(const http::RequestHead& request) const noexcept;
  /// "GET, HEAD", for Allow.
  const std::string& methods() const noexcept { return methods_text_; }
  bool allows(const AccessQuestion& question) const noexcept;

 private:
  struct Rule {
    bool allow = false;
    bool all = false;
    IpSet addresses;
    std::vector<std::string> methods;
    std::string path;
    bool prefix = false;
    NameValues header;
    std::string certificate;
  };
  static bool matches(const Rule& rule, const AccessQuestion& question) noexcept;

  std::vector<Rule> rules_;
  std::vector<std::string> methods_;
  std::string methods_text_;
};

}  // namespace rpx::policy
