// What the built-in origin answers to a target: its query says size, status, delay and so on. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/units.h"

namespace rpx::load {

/// How a reply goes wrong, on purpose.
enum class Mishap : std::uint8_t { kNone, kClose, kReset, kTruncate, kHang, kGarbage };

/// One reply, ready to be sent.
struct Reply {
  std::string bytes;  ///< head and body, or their beginning where it is to be cut short
  std::string head;   ///< head alone, for HEAD
  Duration delay{};   ///< before anything is sent
  Mishap mishap = Mishap::kNone;
  double mishap_share = 1;  ///< of requests; the others are answered as if nothing was
  std::string sound;        ///< what these are answered; empty where all go wrong
  bool close = false;       ///< the connection ends with the reply
};

/// The reply to `target` ("/any/path?size=1KiB&delay=20ms"). Keys: size, status, delay, chunks, trailers,
/// gzip, header (NAME:VALUE), type, error (close, reset, truncate, hang, garbage), error_rate (10%), close. What is not
/// known is answered with 400 and why.
Reply plan_reply(std::string_view target);

}  // namespace rpx::load
