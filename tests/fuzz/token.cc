// Tokens. The first byte says what the input is: a token as a client sends it, which nobody but the holder of the keys
// can make good; a header and, after a newline, claims, which are signed here; or a set of keys.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <string>

#include "base/base64.h"
#include "fuzz.h"
#include "policy/jwt.h"

using namespace rpx;
using namespace rpx::policy;

namespace {

const std::string kSecret(32, 'k');
const WallTime kNow{std::chrono::seconds(1'800'000'000)};

std::string base64url(std::string_view bytes) {
  std::string out = to_base64(bytes);
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  while (out.ends_with('=')) out.pop_back();
  return out;
}

std::string mac_of(const std::string& text) {
  std::string out(32, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), kSecret.data(), static_cast<int>(kSecret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), reinterpret_cast<unsigned char*>(out.data()),
       &size);
  return out;
}

const JwtOptions& options() {
  static const JwtOptions kOptions{.claims = {{"scope", "read"}}, .headers = {{"X-Sub", "sub"}, {"X-Deep", "a.b.c"}}};
  return kOptions;
}

void check(const JwtVerdict& verdict) {
  RPX_CHECK((verdict.fault == JwtFault::kNone) == (verdict.identity != nullptr));
  RPX_CHECK((verdict.fault == JwtFault::kNone) == verdict.why.empty());
  if (!verdict.identity) return;
  RPX_CHECK(verdict.until > kNow);
  RPX_CHECK(!fuzz::breaks_lines(verdict.identity->user));
  for (const auto& [name, value] : verdict.identity->fields) RPX_CHECK(!fuzz::breaks_lines(value));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = fuzz::text_of(data + 1, size - 1);
  static const auto kKeys = JsonWebKeys::parse(R"({"keys":[{"kty":"oct","k":")" + base64url(kSecret) +
                                                   R"("},{"kty":"OKP","crv":"Ed25519",)"
                                                   R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})",
                                               JsonWebKeys::From::kFile);
  if (data[0] == 't') {
    const JwtVerdict verdict = judge_token(text, *kKeys, options(), kNow);
    check(verdict);
    if (verdict.identity) {
      const std::string_view signed_text = text.substr(0, text.rfind('.'));
      RPX_CHECK(text.ends_with(base64url(mac_of(std::string(signed_text)))));
    }
  } else if (data[0] == 's') {
    const std::size_t line = std::min(text.find('\n'), text.size());
    std::string token = base64url(text.substr(0, line)) + "." + base64url(text.substr(std::min(line + 1, text.size())));
    token += "." + base64url(mac_of(token));
    check(judge_token(token, *kKeys, options(), kNow));
  } else {
    const auto keys = JsonWebKeys::parse(std::string(text), JsonWebKeys::From::kUrl);
    if (keys) RPX_CHECK(keys->size() > 0 && !keys->verify(*jwt_algorithm("HS256"), "", "text", mac_of("text")));
  }
  return 0;
}
