#include "cache/disk_body.h"

#include <algorithm>

#include "base/result.h"
#include "cache/disk_format.h"

namespace rpx::cache {

std::vector<std::uint32_t> piece_sums(std::string_view body) {
  std::vector<std::uint32_t> out;
  if (body.size() < kLeastInPieces) return out;
  out.reserve((body.size() + kDiskPiece - 1) / kDiskPiece);
  for (; !body.empty(); body.remove_prefix(std::min(body.size(), kDiskPiece)))
    out.push_back(checksum(body.substr(0, kDiskPiece)));
  return out;
}

bool has_sums(const std::vector<std::uint32_t>& sums, std::uint64_t bytes) noexcept {
  return bytes >= kLeastInPieces && sums.size() == (bytes + kDiskPiece - 1) / kDiskPiece;
}

Result<std::string> read_piece(const DiskBody& body, std::uint64_t number) {
  const std::uint64_t at = number * kDiskPiece;
  const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(kDiskPiece, body.place.bytes - at));
  Status done;
  std::string out;
  out.resize_and_overwrite(bytes, [&](char* into, std::size_t) {
    done = read_at(body.place.segment->fd(), body.place.at + at, into, bytes);
    return done ? bytes : 0;
  });
  if (!done) return std::unexpected(done.error());
  if (checksum(out) != body.sums[number]) return self_error(ErrorKind::kBadResponse, "its checksum is wrong");
  return out;
}

}  // namespace rpx::cache
