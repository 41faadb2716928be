#include "http/h2_watch.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstring>

namespace rpx::http {
namespace {

// Settings, pings, priorities, empty and unknown frames of a second; more has no use.
constexpr std::uint32_t kMostChatter = 1000;
// WINDOW_UPDATE frames of a second, beside those that answer what was sent.
constexpr std::uint32_t kMostWindows = 2000;
// CONTINUATION frames of one head; what may be said fits in two. Fewer than nghttp2 objects to without a word.
constexpr std::uint32_t kMostContinuations = 7;

constexpr std::array<std::string_view, kH2Floods> kFloodNames{"resets",        "settings", "pings", "empty",
                                                              "continuations", "windows",  "other", "fields"};

}  // namespace

std::string_view name_of(H2Flood flood) noexcept { return kFloodNames[static_cast<std::size_t>(flood)]; }

std::int32_t H2Watch::stream_of_head() const noexcept {
  return static_cast<std::int32_t>((head_[5] & 0x7fU) << 24U | static_cast<unsigned>(head_[6]) << 16U |
                                   static_cast<unsigned>(head_[7]) << 8U | head_[8]);
}

bool H2Watch::is_open(std::int32_t stream) const noexcept { return std::ranges::binary_search(open_, stream); }

void H2Watch::end(std::int32_t stream) noexcept {
  const auto at = std::ranges::lower_bound(open_, stream);
  if (at != open_.end() && *at == stream) open_.erase(at);
}

// What DATA or HEADERS do to the client's half of a stream. A stream that we have reset stays open here, since the
// client may not have heard of it.
H2Watch::Sight H2Watch::follow(std::int32_t stream, bool head, bool end_stream) {
  const bool is_clients = stream > 0 && stream % 2 == 1;
  if (!is_clients) return Sight::kFine;
  if (stream > highest_) {
    if (!head) return Sight::kFine;  // an idle stream: nghttp2 knows
    // Without signs: the first one may be as far from -1 as a number can be.
    const auto further = (static_cast<std::uint32_t>(stream) - static_cast<std::uint32_t>(highest_)) / 2;
    opened_ = further < 64 ? opened_ << further | 1 : 1;
    highest_ = stream;
    if (!end_stream) open_.push_back(stream);
    if (open_.size() > most_open_) {
      forgotten_ = open_.front();
      open_.erase(open_.begin());
    }
    return Sight::kFine;
  }
  if (is_open(stream)) {
    if (end_stream) end(stream);
    return Sight::kFine;
  }
  if (stream <= forgotten_) return Sight::kFine;
  const auto back = static_cast<std::uint32_t>(highest_ - stream) / 2;
  const bool skipped = back < 64 && (opened_ >> back & 1) == 0;
  return head && skipped ? Sight::kUnopened : Sight::kEnded;
}

H2Watch::Sight H2Watch::judge(Instant now, H2Flood& flood) {
  const std::uint8_t type = head_[3];
  const std::uint8_t flags = head_[4];
  const std::int32_t stream = stream_of_head();
  const bool end_stream = (flags & NGHTTP2_FLAG_END_STREAM) != 0;
  const auto count = [&](Flow& flow, std::uint32_t most, H2Flood which) {
    flood = which;
    return flow.exceeds(now, most) ? Sight::kFlood : Sight::kFine;
  };
  switch (type) {
    case NGHTTP2_DATA:
      wants_padding_ = (flags & NGHTTP2_FLAG_PADDED) != 0 && left_ != 0;
      if (left_ == 0 && !end_stream && chatter_.exceeds(now, kMostChatter)) {
        flood = H2Flood::kEmpty;
        return Sight::kFlood;
      }
      return follow(stream, false, end_stream);
    case NGHTTP2_HEADERS: continuations_ = 0; return follow(stream, true, end_stream);
    case NGHTTP2_CONTINUATION:
      flood = H2Flood::kContinuations;
      return ++continuations_ > kMostContinuations ? Sight::kFlood : Sight::kFine;
    case NGHTTP2_RST_STREAM: end(stream); return count(resets_, resets_a_second_, H2Flood::kResets);
    case NGHTTP2_WINDOW_UPDATE: return count(windows_, kMostWindows, H2Flood::kWindows);
    case NGHTTP2_SETTINGS: return count(chatter_, kMostChatter, H2Flood::kSettings);
    case NGHTTP2_PING: return count(chatter_, kMostChatter, H2Flood::kPings);
    default: return count(chatter_, kMostChatter, H2Flood::kOther);
  }
}

H2Watch::Sight H2Watch::judge_padding(std::uint8_t padding, Instant now, H2Flood& flood) {
  wants_padding_ = false;
  if (padding >= left_) return Sight::kPadding;
  const bool empty = padding + 1U == left_ && (head_[4] & NGHTTP2_FLAG_END_STREAM) == 0;
  flood = H2Flood::kEmpty;
  return empty && chatter_.exceeds(now, kMostChatter) ? Sight::kFlood : Sight::kFine;
}

H2Watch::Seen H2Watch::look(std::string_view bytes, Instant now) {
  Seen seen;
  while (seen.bytes < bytes.size()) {
    if (wants_padding_) {
      seen.sight = judge_padding(static_cast<std::uint8_t>(bytes[seen.bytes]), now, seen.flood);
      seen.stream = stream_of_head();
      if (seen.sight != Sight::kFine) return seen;
    }
    if (left_ != 0) {
      const std::size_t skip = std::min(left_, bytes.size() - seen.bytes);
      left_ -= skip;
      seen.bytes += skip;
      continue;
    }
    const std::size_t more = std::min(head_.size() - have_, bytes.size() - seen.bytes);
    std::memcpy(head_.data() + have_, bytes.data() + seen.bytes, more);
    have_ += more;
    seen.bytes += more;
    if (have_ != head_.size()) continue;
    have_ = 0;
    left_ = static_cast<std::size_t>(head_[0]) << 16U | static_cast<std::size_t>(head_[1]) << 8U | head_[2];
    seen.sight = judge(now, seen.flood);
    seen.stream = stream_of_head();
    if (seen.sight != Sight::kFine) return seen;
  }
  return seen;
}

}  // namespace rpx::http
