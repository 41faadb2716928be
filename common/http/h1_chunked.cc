#include "http/h1_chunked.h"

#include <algorithm>
#include <cstring>

#include "http/chars.h"
#include "http/field_lines.h"

namespace rpx::http {
namespace {

using enum FieldId;

constexpr std::uint32_t kChunkExtension = 4 * 1024;
constexpr std::uint32_t kAllExtensions = 16 * 1024;
/// More digits can only be zeros or an overflow.
constexpr std::uint8_t kMostDigits = 16;

}  // namespace

bool may_trail(const Field& field) noexcept {
  switch (field.id) {
    case kOther: return !looks_like_known_field(field.name);
    case kVia:
    case kServer:
    case kDate:
    case kXRequestId: return true;
    default: return false;
  }
}

const char* ChunkedDecoder::read_size_byte(char c) noexcept {
  if (const unsigned digit = look_up(kHexValue, c); digit < 16 && state_ != State::kSizeSpace) {
    if (digits_ == kMostDigits || left_ >> 59 != 0) return "chunk size too large";
    ++digits_;
    left_ = left_ * 16 + digit;
    state_ = State::kSize;
    return nullptr;
  }
  if (state_ == State::kSizeStart) return "chunk without a size";
  // Some servers pad the size, which no client has reason to do.
  if (c == '\r' && (state_ == State::kSize || side_ == Side::kUpstream))
    state_ = State::kSizeLf;
  else if (c == ';')
    state_ = State::kExtensionStart;
  else if (is_blank(c))
    state_ = State::kSizeSpace;
  else
    return "byte that a chunk size may not hold";
  return nullptr;
}

const char* ChunkedDecoder::read_extension_byte(char c) noexcept {
  const bool token = look_up(kToken, c) != 0;
  const bool named = state_ == State::kExtensionName || state_ == State::kAfterName;
  switch (state_) {
    case State::kQuoted:
      if (look_up(kFieldText, c) == 0) break;
      if (c == '"') state_ = State::kAfterQuoted;
      if (c == '\\') state_ = State::kQuotedPair;
      return nullptr;
    case State::kQuotedPair:
      if (look_up(kFieldText, c) == 0) break;
      state_ = State::kQuoted;
      return nullptr;
    case State::kExtensionStart:
    case State::kValueStart:
      if (is_blank(c)) return nullptr;
      if (token) {
        state_ = state_ == State::kValueStart ? State::kValue : State::kExtensionName;
        return nullptr;
      }
      if (c != '"' || state_ != State::kValueStart) break;
      state_ = State::kQuoted;
      return nullptr;
    case State::kExtensionName:
    case State::kValue:
      if (token) return nullptr;
      [[fallthrough]];
    case State::kAfterQuoted:
      if (c == '\r') {
        state_ = State::kSizeLf;
        return nullptr;
      }
      if (is_blank(c)) {
        state_ = named ? State::kAfterName : State::kAfterValue;
        return nullptr;
      }
      [[fallthrough]];
    default:
      if (is_blank(c)) return nullptr;
      if (c != ';' && !(c == '=' && named)) break;
      state_ = c == ';' ? State::kExtensionStart : State::kValueStart;
      return nullptr;
  }
  return "malformed chunk extension";
}

const char* ChunkedDecoder::read_line_byte(char c) noexcept {
  switch (state_) {
    case State::kSizeStart:
    case State::kSize:
    case State::kSizeSpace:
      // Padding counts as an extension, so that a line of it has an end.
      if (is_blank(c)) break;
      return read_size_byte(c);
    case State::kSizeLf:
      if (c != '\n') return "carriage return without line feed in a chunk line";
      state_ = left_ != 0 ? State::kData : State::kTrailer;
      digits_ = 0;
      chunk_extension_ = 0;
      return nullptr;
    case State::kDataCr:
      if (c != '\r') return "chunk longer than its size";
      state_ = State::kDataLf;
      return nullptr;
    case State::kDataLf:
      if (c != '\n') return "carriage return without line feed after a chunk";
      state_ = State::kSizeStart;
      return nullptr;
    default: break;
  }
  if (++chunk_extension_ > kChunkExtension || ++all_extensions_ > kAllExtensions) return "chunk extensions too large";
  return state_ < State::kExtensionStart ? read_size_byte(c) : read_extension_byte(c);
}

Result<std::size_t> ChunkedDecoder::read_trailers(std::string_view bytes, const Limits& limits) {
  // The section may come in pieces and its fields need one place; what arrives behind it is not kept.
  const std::size_t known = trailer_bytes_.size();
  trailer_bytes_ += bytes;
  trailers_.clear();
  const FieldLines lines = read_field_lines(trailer_bytes_, 0, limits, trailers_);
  if (lines.fault != nullptr) {
    const bool client = side_ == Side::kClient;
    const ErrorKind large = client ? ErrorKind::kHeaderTooLarge : ErrorKind::kResponseTooLarge;
    const ErrorKind malformed = client ? ErrorKind::kBadRequest : ErrorKind::kBadResponse;
    return std::unexpected(Error{lines.too_large ? large : malformed, side_, lines.fault});
  }
  if (lines.end == 0) return 0;
  std::erase_if(trailers_.raw(), [](const Field& field) { return !may_trail(field); });
  return lines.end - known;
}

Result<ChunkedDecoder::Step> ChunkedDecoder::decode(std::span<char> buffer, const Limits& limits) {
  Step step;
  while (step.consumed < buffer.size()) {
    if (state_ == State::kData) {
      const std::size_t piece = std::min<std::uint64_t>(left_, buffer.size() - step.consumed);
      if (step.consumed != step.produced)
        std::memmove(buffer.data() + step.produced, buffer.data() + step.consumed, piece);
      step.consumed += piece;
      step.produced += piece;
      left_ -= piece;
      if (left_ == 0) state_ = State::kDataCr;
    } else if (state_ == State::kTrailer) {
      const std::string_view rest(buffer.data() + step.consumed, buffer.size() - step.consumed);
      const auto read = read_trailers(rest, limits);
      if (!read) return std::unexpected(read.error());
      step.done = *read != 0;
      step.consumed = step.done ? step.consumed + *read : buffer.size();
      return step;
    } else if (const char* fault = read_line_byte(buffer[step.consumed++]); fault != nullptr) {
      const bool client = side_ == Side::kClient;
      return std::unexpected(Error{client ? ErrorKind::kBadRequest : ErrorKind::kBadResponse, side_, fault});
    }
  }
  return step;
}

}  // namespace rpx::http
