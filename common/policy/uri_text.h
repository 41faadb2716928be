// Percent-encoding of text that goes into a URI (RFC 3986 section 2). Pure; appends, so that one buffer does.
#pragma once

#include <string>
#include <string_view>

namespace rpx::policy {

/// Appends `text`, a path or a part of one: what a path may not hold is percent-encoded, escapes stay.
void append_path_text(std::string& out, std::string_view text);
/// Appends `text`, a URI reference: delimiters and escapes stay, what no URI may hold is percent-encoded.
void append_uri_text(std::string& out, std::string_view text);
/// Appends `text`, a path with its query: as append_uri_text, but a '#' is data and encoded too.
void append_target_text(std::string& out, std::string_view text);
/// Appends `text` as data: everything is percent-encoded but unreserved characters and '/'.
void append_uri_data(std::string& out, std::string_view text);

}  // namespace rpx::policy
