// What the index of the disk store keeps of each head in memory, so that look-ups, purges and lists need not read the
// disk: a text of the members they look at. Pure, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cache/disk_head.h"

namespace rpx::cache {

/// URL, host, language, what it varies by, tags and groups of `head`.
std::string brief_of(const DiskHead& head);

std::string_view url_in(std::string_view brief) noexcept;
std::string_view host_in(std::string_view brief) noexcept;
std::string_view language_in(std::string_view brief) noexcept;
std::vector<VaryField> vary_in(std::string_view brief);
std::vector<std::string> tags_in(std::string_view brief);
/// Whether `filter` names the object.
bool suits(const Filter& filter, std::string_view brief);

/// Tells the variants of one key apart.
std::uint64_t variant_of(const std::vector<VaryField>& vary) noexcept;

}  // namespace rpx::cache
