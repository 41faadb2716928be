#include "codec/decoding_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"

namespace rpx::codec {
namespace {

constexpr std::size_t kCodedPiece = 16 * 1024;
constexpr std::size_t kMostOut = 64 * 1024;
// Short bodies may be as dense as they like: 64 KiB harm nobody.
constexpr std::uint64_t kAnyRatio = 64 * 1024;

}  // namespace

DecodingSource::DecodingSource(http::BodySource& source, http::Coding coding, const DecodingLimits& limits)
    : source_(source), coding_(coding), limits_(limits), decoder_(make_decoder(coding)) {}

void DecodingSource::put(const http::BodyPiece& first) {
  in_.assign(first.data);
  source_ended_ = first.end;
}

std::unexpected<Error> DecodingSource::bad(std::string detail) const {
  const ErrorKind kind = limits_.side == Side::kClient ? ErrorKind::kBadRequest : ErrorKind::kBadResponse;
  return std::unexpected(Error{kind, limits_.side, std::move(detail)});
}

// Takes more coded bytes. False at the end of the source, or where nothing is there yet (`blocked`).
Result<bool> DecodingSource::feed(bool& blocked) {
  if (source_ended_) return false;
  RPX_TRY(const http::BodyPiece piece, source_.try_read(kCodedPiece));
  if (piece.blocked) {
    blocked = true;
    return false;
  }
  source_ended_ = piece.end;
  in_.assign(piece.data);
  at_ = 0;
  return true;
}

// Decodes what is there, as far as there is room for it.
Status DecodingSource::step(std::size_t most) {
  std::string_view in = std::string_view(in_).substr(at_);
  if (in.empty() && last_ == Decoded::kEnd) return {};
  const Instant begun = std::chrono::steady_clock::now();
  last_ = decoder_->decode(in, most - out_.size(), out_);
  took_ += std::chrono::steady_clock::now() - begun;
  const std::size_t used = in_.size() - at_ - in.size();
  at_ += used;
  in_bytes_ += used;
  if (last_ == Decoded::kCorrupt) return bad(fmt::format("a body that is no {}", http::name_of(coding_)));
  const std::uint64_t total = out_bytes_ + out_.size();
  const bool too_dense = limits_.ratio != 0 && total > kAnyRatio && total / limits_.ratio > in_bytes_;
  if (too_dense || (limits_.most != 0 && total > limits_.most)) {
    std::string detail = fmt::format(
        "a {} body that decodes to more than {}", http::name_of(coding_),
        too_dense ? fmt::format("{} times its size", limits_.ratio) : fmt::format("{} bytes", limits_.most));
    if (limits_.side == Side::kClient) return client_error(ErrorKind::kBodyTooLarge, std::move(detail));
    return bad(std::move(detail));
  }
  return {};
}

Result<http::BodyPiece> DecodingSource::try_read(std::size_t most) {
  out_.clear();
  if (ended_) return http::BodyPiece{.end = true};
  most = std::clamp<std::size_t>(most, 1, kMostOut);
  bool blocked = false;
  while (out_.size() < most) {
    if (at_ == in_.size() && last_ != Decoded::kFull) {
      RPX_TRY(const bool fed, feed(blocked));
      if (!fed) break;
    }
    RPX_TRY_VOID(step(most));
  }
  out_bytes_ += out_.size();
  const bool used_up = source_ended_ && at_ == in_.size() && last_ != Decoded::kFull;
  if (used_up && last_ != Decoded::kEnd) {
    // A body without a byte is no coded body, but what some clients send for none.
    if (in_bytes_ != 0) return bad(fmt::format("a {} body that is cut short", http::name_of(coding_)));
  }
  ended_ = used_up;
  return http::BodyPiece{.data = out_, .end = ended_, .blocked = out_.empty() && !ended_ && blocked};
}

}  // namespace rpx::codec
