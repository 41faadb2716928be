// [acme]: certificates that the proxy obtains and renews by itself. Values, any thread.
#pragma once

#include <string>
#include <vector>

namespace rpx::proxy {

struct AcmeOptions {
  std::string directory = "https://acme-v02.api.letsencrypt.org/directory";
  std::string email;
  bool agree_tos = false;
  std::vector<std::string> hosts;  ///< in lower case, a certificate for each; empty = nothing is obtained
  std::string challenge = "http-01";
  std::string kind = "ec";  ///< of keys, as pki::parse_key_kind has it
  std::string store;        ///< absolute path of a folder
  std::string ca;           ///< absolute path of a PEM bundle that is trusted for the directory itself; empty = none
  std::string eab_kid;      ///< external account (RFC 8555 section 7.3.4); empty = none
  std::string eab_key_file;
  bool operator==(const AcmeOptions&) const = default;
};

}  // namespace rpx::proxy
