// Entries as the disk store writes them, and back. Pure, any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cache/disk_head.h"
#include "cache/entry.h"

namespace rpx::cache {

DiskHead head_of(const Entry& entry);
/// `tag_field` as for Entry.
/// With the body on the disk in place of one at hand.
EntryPtr entry_of(const DiskHead& head, std::shared_ptr<const DiskBody> body, std::string_view tag_field);
EntryPtr entry_of(const DiskHead& head, std::string body, std::string_view tag_field);

}  // namespace rpx::cache
