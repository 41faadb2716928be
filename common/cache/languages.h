// Accept-Language as far as stored replies are chosen by it. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

namespace rpx::cache {

/// A list of language ranges written the one way that all lists of the same meaning share: lower case, no blanks, by
/// weight and then by name (RFC 9110 section 12.5.4: without weights of their own, members are equal).
std::string normal_languages(std::string_view list);
/// The one language that `list` likes best, in lower case; empty when there are several, or none.
std::string best_language(std::string_view list);

}  // namespace rpx::cache
