#include "proxy/websocket.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>

#include "base/base64.h"
#include "base/text.h"

namespace rpx::proxy {

std::string make_websocket_key() {
  std::array<unsigned char, 16> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  return to_base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  return to_base64({reinterpret_cast<const char*>(digest.data()), size});
}

bool is_websocket(std::string_view upgrade) noexcept { return iequals(upgrade, "websocket"); }

}  // namespace rpx::proxy
