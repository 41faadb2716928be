// DiskHead: what a record of the disk store says of its object, apart from the body; DiskPurge, what a purge took out;
// and DiskFormHead, what a coded form is of. Plain values and their bytes: members in any order, each as tag 1 · length
// 4 · bytes; unknown tags are skipped. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cache/entry.h"
#include "cache/filter.h"

namespace rpx::cache {

struct DiskHead {
  std::string key;
  std::string url;
  std::string host;
  std::string language;  ///< the one of Content-Language, lower case; empty when there is none, or several
  std::uint16_t status = 200;
  Times times;
  Terms terms;
  bool outdated = false;  ///< purged softly
  std::vector<VaryField> vary;
  std::vector<std::string> tags;
  std::vector<std::string> groups;
  bool is_piece = false;  ///< the body is `piece` of the object
  std::string asked;      ///< as Piece
  std::string told;
  std::optional<ContentRange> place;
  std::vector<std::pair<std::string, std::string>> fields;
  std::vector<std::uint32_t> piece_sums;  ///< see disk_body.h
};

/// The bytes of `head`.
std::string pack(const DiskHead& head);
/// None when `bytes` is not what pack() makes.
std::optional<DiskHead> unpack_head(std::string_view bytes);

/// What goes: everything under `key`, or what `filter` names; neither = everything.
struct DiskPurge {
  std::string key;
  Filter filter;
  bool soft = false;
};
std::string pack(const DiskPurge& purge);
std::optional<DiskPurge> unpack_purge(std::string_view bytes);

/// A coded form of a body: under which key its object is, and its coding.
struct DiskFormHead {
  std::string key;
  http::Coding coding = http::Coding::kIdentity;
};
std::string pack(const DiskFormHead& form);
std::optional<DiskFormHead> unpack_form(std::string_view bytes);

}  // namespace rpx::cache
