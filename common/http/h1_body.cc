#include "http/h1_body.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/recycled.h"
#include "base/result.h"
#include "http/h1_write.h"
#include "rt/loop.h"

namespace rpx::http {
namespace {

// Asked for beyond the bytes that are left: a read that fills its buffer leaves it open whether more is there,
// and the readiness flag set; a short one settles both. Anything found there is kept for the next message.
constexpr std::size_t kSpare = 4096;
// Pieces up to this size are copied behind what is pending: one contiguous send is cheaper than a gathered one.
constexpr std::size_t kJoin = 16 * 1024;

// A short first moments are no measure of a client's speed.
constexpr Duration kRateGrace = std::chrono::seconds(5);

using SpareText = Recycled<std::string, 2 * kJoin>;

}  // namespace

void H1BodyReader::begin(net::Stream& stream, Framing framing, std::uint64_t length, const Limits& limits,
                         std::uint64_t most) {
  stream_ = &stream;
  limits_ = &limits;
  framing_ = framing;
  left_ = length;
  most_ = most;
  received_ = 0;
  waited_ = {};
  blocked_ = touched_ = false;
  ended_ = framing == Framing::kNone || (framing == Framing::kLength && length == 0);
  if (framing == Framing::kChunked) chunked_ = ChunkedDecoder(side_);
}

void H1BodyReader::release() noexcept {
  stream_ = nullptr;
  framing_ = Framing::kNone;
  ended_ = true;
  touched_ = false;
  left_ = received_ = 0;
}

const Headers* H1BodyReader::trailers() const noexcept {
  return framing_ == Framing::kChunked && ended_ && !chunked_.trailers().empty() ? &chunked_.trailers() : nullptr;
}

void H1BodyReader::skipped(std::uint64_t count) noexcept {
  received_ += count;
  left_ -= count;
  ended_ = left_ == 0;
}

Result<BodyPiece> H1BodyReader::try_read(std::size_t most) {
  blocked_ = false;
  if (ended_) return BodyPiece{.end = true};
  switch (framing_) {
    case Framing::kLength: return read_length(most);
    case Framing::kChunked: return read_chunked(most);
    default: return read_close(most);
  }
}

// Reads into `into`; 0 means that nothing is there now, and blocked_ is set, or that the stream has ended.
Result<std::size_t> H1BodyReader::fill(std::span<char> into) {
  if (!stream_->io().may_read()) {
    blocked_ = true;
    return std::size_t{0};
  }
  const net::IoResult got = stream_->try_read(into);
  switch (got.state) {
    case net::IoState::kDone: return got.bytes;
    case net::IoState::kWouldBlock: blocked_ = true; return std::size_t{0};
    case net::IoState::kError: return std::unexpected(net::io_error(got.error, side_, "recv"));
    case net::IoState::kEnd: break;
  }
  if (framing_ == Framing::kClose) return std::size_t{0};
  if (side_ == Side::kUpstream)
    return upstream_error(ErrorKind::kResponseTruncated, "the server closed in the middle of its reply");
  return client_error(ErrorKind::kClosed, "the client closed in the middle of its request");
}

Result<BodyPiece> H1BodyReader::give(std::string_view data) {
  received_ += data.size();
  touched_ = true;
  if (most_ != 0 && received_ > most_)
    return std::unexpected(Error{ErrorKind::kBodyTooLarge, side_, "body over the limit"});
  return BodyPiece{.data = data, .end = ended_};
}

Result<BodyPiece> H1BodyReader::read_length(std::size_t most) {
  std::string_view data;
  if (!input_.empty()) {
    data = input_.view().substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, input_.size())));
    input_.consume(data.size());
  } else {
    const std::span<char> space = net::scratch();
    const auto want = std::min<std::uint64_t>({left_ + kSpare, most, space.size()});
    RPX_TRY(const std::size_t got, fill(space.first(static_cast<std::size_t>(want))));
    if (blocked_) return BodyPiece{.blocked = true};
    data = std::string_view(space.data(), static_cast<std::size_t>(std::min<std::uint64_t>(got, left_)));
    if (got > data.size()) ahead_.append({space.data() + data.size(), got - data.size()});
  }
  left_ -= data.size();
  ended_ = left_ == 0;
  return give(data);
}

Result<BodyPiece> H1BodyReader::decode(std::span<char> bytes, std::size_t& consumed) {
  touched_ = true;
  RPX_TRY(const ChunkedDecoder::Step step, chunked_.decode(bytes, *limits_));
  consumed = step.consumed;
  ended_ = step.done;
  return give({bytes.data(), step.produced});
}

Result<BodyPiece> H1BodyReader::read_chunked(std::size_t most) {
  for (;;) {
    Result<BodyPiece> piece = BodyPiece{};
    std::size_t consumed = 0;
    if (!input_.empty()) {
      piece = decode(input_.bytes(), consumed);
      input_.consume(consumed);
    } else {
      const std::span<char> space = net::scratch().first(std::min(most, net::kScratchBytes));
      RPX_TRY(const std::size_t got, fill(space));
      if (blocked_) return BodyPiece{.blocked = true};
      piece = decode(space.first(got), consumed);
      if (piece && consumed < got) ahead_.append({space.data() + consumed, got - consumed});
    }
    // Bytes that were all framing are no piece; go on until there is one.
    if (!piece || piece->end || !piece->data.empty()) return piece;
  }
}

Result<BodyPiece> H1BodyReader::read_close(std::size_t most) {
  if (!input_.empty()) {
    const std::string_view data = input_.view();
    input_.consume(data.size());
    return give(data);
  }
  const std::span<char> space = net::scratch().first(std::min(most, net::kScratchBytes));
  RPX_TRY(const std::size_t got, fill(space));
  if (blocked_) return BodyPiece{.blocked = true};
  ended_ = got == 0;
  return give({space.data(), got});
}

rt::Task<Status> H1BodyReader::wait(Duration stall) {
  rt::Loop& loop = stream_->io().loop();
  const Instant begun = loop.now();
  const bool measured = side_ == Side::kClient && limits_->min_body_rate != 0;
  Instant deadline = deadline_after(begun, stall);
  Instant too_slow = Instant::max();
  if (measured) {
    // The instant at which the average over the time spent waiting falls below the least rate.
    const auto earned = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(static_cast<double>(received_) / static_cast<double>(limits_->min_body_rate)));
    too_slow = begun + std::max(kRateGrace, earned) - waited_;
    deadline = std::min(deadline, too_slow);
  }
  const rt::Wake wake = co_await stream_->io().readable(deadline);
  waited_ += loop.now() - begun;
  if (wake == rt::Wake::kReady) co_return Status{};
  if (wake == rt::Wake::kInterrupted) co_return self_error(ErrorKind::kCancelled, "interrupted");
  if (deadline == too_slow) co_return client_error(ErrorKind::kBodyTooSlow, "the body comes slower than min_body_rate");
  if (side_ == Side::kUpstream) co_return upstream_error(ErrorKind::kIdleTimeout, "the server's reply stalled");
  co_return client_error(ErrorKind::kBodyTimeout, "the request's body stalled");
}

void H1BodyWriter::begin(net::Stream& stream, Framing framing) noexcept {
  stream_ = &stream;
  framing_ = framing;
  sent_ = 0;
  wait_.begin();
}

void H1BodyWriter::borrow() noexcept {
  if (pending_.empty() && !SpareText::holds_memory(pending_)) SpareText::lend(pending_);
}

void H1BodyWriter::release() noexcept {
  SpareText::give(pending_);
  at_ = 0;
}

Result<bool> H1BodyWriter::try_write(std::string_view data, bool end, const Headers* trailers) {
  if (framing_ == Framing::kNone) data = {};
  if (framing_ != Framing::kChunked) return send_joined({}, data, {});
  std::string after;
  if (end) {
    if (!data.empty()) after = "\r\n";
    static const Headers kNoTrailers;
    write_last_chunk(after, trailers ? *trailers : kNoTrailers);
  } else if (data.empty()) {
    return try_flush();
  } else {
    after = "\r\n";
  }
  if (data.empty()) return send_joined({}, {}, after);
  std::string before;  // at most 18 bytes: held in place
  write_chunk_size(before, data.size());
  return send_joined(before, data, after);
}

Result<bool> H1BodyWriter::send_joined(std::string_view before, std::string_view data, std::string_view after) {
  if (data.size() <= kJoin) {
    borrow();
    pending_.append(before).append(data).append(after);
    return try_flush();
  }
  std::array<iovec, 4> pieces;
  std::size_t count = 0;
  std::size_t total = 0;
  for (const std::string_view part : {std::string_view(pending_).substr(at_), before, data, after}) {
    if (part.empty()) continue;
    pieces[count++] = {const_cast<char*>(part.data()), part.size()};
    total += part.size();
  }
  std::size_t taken = 0;
  if (stream_->io().may_write()) {
    const net::IoResult wrote = stream_->try_write({pieces.data(), count});
    if (wrote.state == net::IoState::kError) return std::unexpected(net::io_error(wrote.error, side_, "send"));
    taken = wrote.bytes;
    sent_ += taken;
  }
  if (taken == total) {
    release();
    return true;
  }
  // The rest is held until the peer takes more: at most one read's worth.
  std::string rest;
  rest.reserve(total - taken);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t skip = std::min(taken, pieces[i].iov_len);
    taken -= skip;
    rest.append(static_cast<const char*>(pieces[i].iov_base) + skip, pieces[i].iov_len - skip);
  }
  pending_ = std::move(rest);
  at_ = 0;
  return false;
}

Result<bool> H1BodyWriter::try_flush() {
  while (at_ < pending_.size()) {
    if (!stream_->io().may_write()) return false;
    const iovec piece{pending_.data() + at_, pending_.size() - at_};
    const net::IoResult wrote = stream_->try_write({&piece, 1});
    if (wrote.state == net::IoState::kError) return std::unexpected(net::io_error(wrote.error, side_, "send"));
    if (wrote.state == net::IoState::kWouldBlock) return false;
    at_ += wrote.bytes;
    sent_ += wrote.bytes;
  }
  release();
  return true;
}

rt::Task<Status> H1BodyWriter::drain(Duration stall) {
  for (;;) {
    RPX_CO_TRY(const bool done, try_flush());
    if (done) co_return Status{};
    RPX_CO_TRY_VOID(co_await wait_.wait(*stream_, sent_, stall));
  }
}

}  // namespace rpx::http
