// Base64 as credentials and tokens have it. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rpx {

/// The bytes that `text` stands for in RFC 4648 section 4, padded; nothing where it is not exactly that.
std::optional<std::string> from_base64(std::string_view text);
/// The same in the alphabet of section 5, without padding, as JSON Web Tokens have it.
std::optional<std::string> from_base64url(std::string_view text);
/// `bytes` in the alphabet of section 4, padded.
std::string to_base64(std::string_view bytes);

}  // namespace rpx
