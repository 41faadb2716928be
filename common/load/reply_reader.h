// ReplyReader: takes HTTP/1 replies off an input buffer one after the other, checks each against what was wanted, and
// copies nothing. Used by the connections of a run; pure but for its own state; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/h1_chunked.h"
#include "http/limits.h"
#include "http/message.h"
#include "load/check.h"
#include "net/buffer.h"

namespace rpx::load {

class ReplyReader {
 public:
  enum class Step : std::uint8_t { kMore, kDone, kBad };

  /// `checks` outlive the reader.
  explicit ReplyReader(const Checks& checks);
  ~ReplyReader();

  /// Begins the reply to a request made with `method`.
  void begin(http::Method method) noexcept;
  /// Uses up what it can of `input`. kMore: everything was used, read more. kBad: problem() says why.
  Step step(net::InputBuffer& input);
  /// Whether the next bytes of the connection are plain body, so that they may be read elsewhere and given to plain().
  /// How many of them, at most.
  std::uint64_t plain_left() const noexcept;
  /// Takes body bytes that never were in an input buffer, at most plain_left().
  Step plain(std::string_view data);
  /// The server has closed: kDone where that is how this reply ends, else kBad.
  Step end();

  /// Of the reply that is done.
  std::uint16_t status() const noexcept { return status_; }
  bool keep_alive() const noexcept { return keep_alive_; }
  /// No byte of it has come.
  bool untouched() const noexcept { return untouched_; }
  /// Why the reply that is done is not as wanted; empty where it is. Valid until the next begin().
  const Verdict& verdict() const noexcept { return verdict_; }
  const std::string& problem() const noexcept { return problem_; }
  /// Set-Cookie values of the reply, when they are collected; for who keeps cookies.
  void collect_cookies(std::vector<std::string>* into) noexcept { cookies_ = into; }

 private:
  Step read_head(net::InputBuffer& input);
  Step read_body(net::InputBuffer& input);
  Step finish();
  void take(std::string_view data);

  const Checks& checks_;
  http::Limits limits_;
  http::ResponseHead head_;
  http::ChunkedDecoder chunked_{Side::kUpstream};
  std::unique_ptr<BodyHash> hash_;  // null where nothing is hashed
  Verdict verdict_;
  std::string problem_;
  std::vector<std::string>* cookies_ = nullptr;
  std::uint64_t left_ = 0;
  std::uint64_t body_ = 0;
  http::Method method_ = http::Method::kGet;
  http::Framing framing_ = http::Framing::kNone;
  std::uint16_t status_ = 0;
  bool in_body_ = false;
  bool keep_alive_ = true;
  bool untouched_ = true;
};

}  // namespace rpx::load
