#include "tls/openssl.h"

#include <fmt/format.h>
#include <openssl/err.h>

namespace rpx::tls {

std::string take_openssl_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return {};
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? std::string(reason) : fmt::format("error {:#x}", code);
}

std::unexpected<Error> config_error(const std::string& what) {
  const std::string why = take_openssl_error();
  return self_error(ErrorKind::kConfig, why.empty() ? what : fmt::format("{}: {}", what, why));
}

void set_common_options(SSL_CTX* context) noexcept {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_AUTO_RETRY |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
}

}  // namespace rpx::tls
