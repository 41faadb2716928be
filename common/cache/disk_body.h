// DiskBody: the body of an object on the disk that is sent from there piece by piece, each with a checksum of its own,
// so that a large one need not be in memory, and nothing is sent that is not what was written. Immutable, any thread;
// what reads the disk says so.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cache/disk_index.h"

namespace rpx::cache {

struct DiskBody {
  std::uint64_t hash = 0;      ///< of the object's key
  std::uint64_t sequence = 0;  ///< of the body's record
  DiskPlace place;
  std::vector<std::uint32_t> sums;  ///< of each piece

  std::uint64_t pieces() const noexcept { return sums.size(); }
};

/// A body of so many bytes has pieces with sums: a shorter one is read in one go.
inline constexpr std::uint64_t kLeastInPieces = std::uint64_t{1} << 20U;

/// The sums of the pieces of `body`; none where it has too few bytes for that.
std::vector<std::uint32_t> piece_sums(std::string_view body);
/// Whether `sums` may be those of a body of so many bytes.
bool has_sums(const std::vector<std::uint32_t>& sums, std::uint64_t bytes) noexcept;
/// Reads piece `number`, and waits for the disk. Errors: kIo; kBadResponse: it is not what was written there.
Result<std::string> read_piece(const DiskBody& body, std::uint64_t number);

}  // namespace rpx::cache
