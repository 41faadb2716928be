// Checks of field names and values that come from a configuration. Called while a site is built; pure.
#pragma once

#include <string_view>

namespace rpx::policy {

/// Whether `text` is a token (RFC 9110 section 5.6.2): a field name, a method, a cookie's name.
bool is_token(std::string_view text) noexcept;
/// Whether `text` holds a control character (tab excepted), which no field value may (RFC 9110 section 5.5).
bool has_control(std::string_view text) noexcept;

}  // namespace rpx::policy
