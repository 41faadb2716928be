// H2Watch: the frames of a client, looked at before nghttp2 reads them. nghttp2 forgets a stream once it has ended and
// passes over what it does not know; here frames behind a stream's end are found (RFC 9113 section 5.1), and those that
// cost work and ask for nothing are counted. Pure; one connection, one thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "http/limits.h"

namespace rpx::http {

/// Of what a client sent too much.
enum class H2Flood : std::uint8_t { kResets, kSettings, kPings, kEmpty, kContinuations, kWindows, kOther, kFields };
inline constexpr std::size_t kH2Floods = static_cast<std::size_t>(H2Flood::kFields) + 1;

/// "resets", "settings"…: as metrics call it.
std::string_view name_of(H2Flood flood) noexcept;

class H2Watch {
 public:
  explicit H2Watch(const Limits& limits) : resets_a_second_(limits.h2_resets), most_open_(limits.h2_streams + 64U) {}

  enum class Sight : std::uint8_t {
    kFine,
    kEnded,     ///< DATA or HEADERS of a stream that the client has ended, or skipped
    kUnopened,  ///< HEADERS of a stream that the client has skipped
    kPadding,   ///< padding longer than its frame
    kFlood,     ///< too many of the frames that flood() tells
  };
  struct Seen {
    std::size_t bytes = 0;  ///< that were looked at: all of them, or up to and with the head of the frame in question
    Sight sight = Sight::kFine;
    std::int32_t stream = 0;
    H2Flood flood = H2Flood::kOther;
  };
  /// Looks at what comes next, behind the connection preface. Call again with the rest when not all was looked at.
  Seen look(std::string_view bytes, Instant now);

  /// A DATA frame has gone out: so many WINDOW_UPDATE frames more are no flood.
  void sent_data() noexcept { windows_.earn(8); }
  /// The client's fault has cost it a stream; true when these are too many, like resets of its own.
  bool faulted(Instant now) noexcept { return resets_.exceeds(now, resets_a_second_); }

  static constexpr std::size_t kPreface = 24;  ///< bytes of "PRI * HTTP/2.0…", which come before any frame

 private:
  /// Events of a second.
  struct Flow {
    Instant second{};
    std::uint32_t count = 0;
    std::uint32_t earned = 0;
    void earn(std::uint32_t more) noexcept { earned += more; }
    bool exceeds(Instant now, std::uint32_t most) noexcept {
      if (now - second >= std::chrono::seconds(1)) {
        second = now;
        count = earned = 0;
      }
      return ++count > most + earned;
    }
  };

  Sight judge(Instant now, H2Flood& flood);
  Sight judge_padding(std::uint8_t padding, Instant now, H2Flood& flood);
  Sight follow(std::int32_t stream, bool head, bool end);
  std::int32_t stream_of_head() const noexcept;
  bool is_open(std::int32_t stream) const noexcept;
  void end(std::int32_t stream) noexcept;

  const std::uint32_t resets_a_second_;
  const std::size_t most_open_;
  std::array<std::uint8_t, 9> head_{};  // of the frame at hand
  std::size_t have_ = 0;                // of head_
  std::size_t left_ = kPreface;         // of the payload, or of the preface
  bool wants_padding_ = false;          // the first byte of the payload says how much of it is padding
  std::int32_t highest_ = -1;           // stream that was opened
  std::uint64_t opened_ = 0;            // bit n: highest_ - 2n was opened, too
  std::vector<std::int32_t> open_;      // what the client has not ended yet, in order
  std::int32_t forgotten_ = 0;          // of streams up to this one nothing is said
  std::uint32_t continuations_ = 0;     // of the head at hand
  Flow resets_, windows_, chatter_;
};

}  // namespace rpx::http
