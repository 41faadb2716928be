#include "proxy_solver.h"

#include <fmt/format.h>

#include "base/result.h"
#include "pki/acme_json.h"
#include "pki/dial.h"
#include "rpx-serve/ask.h"

namespace rpx::cert {

Status ProxySolver::begin(const pki::Challenge& challenge) {
  const std::string body =
      fmt::format(R"({{"type":{},"name":{},"key_authorization":{}}})", pki::json_text(challenge.type),
                  pki::json_text(challenge.name), pki::json_text(challenge.key_authorization));
  RPX_TRY_VOID(serve::ask(proxy_, "PUT", "/v1/acme/challenges/" + challenge.token, body));
  token_ = challenge.token;
  return {};
}

// No descriptor: nothing but the time is waited for.
void ProxySolver::serve_until(Instant until) { pki::await_ready(-1, 0, until); }

void ProxySolver::end() {
  // One that stays is forgotten by the proxy after a while.
  [[maybe_unused]] const auto done = proxy_.ask("DELETE", "/v1/acme/challenges/" + token_);
}

}  // namespace rpx::cert
