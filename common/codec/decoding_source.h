// A body source that decodes what it takes from another: a coded request for a server that cannot read it, a coded
// reply for a client that cannot. What comes out is bounded, so that a small body cannot become a huge one. One thread.
#pragma once

#include "codec/decoder.h"
#include "http/body.h"

namespace rpx::codec {

/// How much may come out of a body.
struct DecodingLimits {
  Side side = Side::kClient;  ///< whose body it is: errors say so
  std::uint32_t ratio = 100;  ///< bytes out per byte in, once more than 64 KiB came out; 0 = unlimited
  std::uint64_t most = 0;     ///< bytes out; 0 = unlimited
};

class DecodingSource final : public http::BodySource {
 public:
  /// `source` is borrowed for as long as this lives.
  DecodingSource(http::BodySource& source, http::Coding coding, const DecodingLimits& limits);
  /// What was read of the source already. To be called before the first read.
  void put(const http::BodyPiece& first);

  /// Errors beside those of the source: for what is corrupt or cut short kBadRequest of a client and kBadResponse of
  /// a server; kBodyTooLarge, or kBadResponse, for what is over the limits.
  Result<http::BodyPiece> try_read(std::size_t most) override;
  rt::Task<Status> wait(Duration stall) override { return source_.wait(stall); }
  const http::Headers* trailers() const noexcept override { return source_.trailers(); }
  bool ended() const noexcept override { return ended_; }
  rt::Loop& loop() noexcept override { return source_.loop(); }
  std::uint64_t received() const noexcept override { return out_bytes_; }
  /// Coded bytes used up so far.
  std::uint64_t consumed() const noexcept { return in_bytes_; }
  http::Coding coding() const noexcept { return coding_; }
  /// Time spent decoding so far.
  Duration took() const noexcept { return took_; }

 private:
  Result<bool> feed(bool& blocked);
  Status step(std::size_t most);
  std::unexpected<Error> bad(std::string detail) const;

  http::BodySource& source_;
  http::Coding coding_;
  DecodingLimits limits_;
  std::unique_ptr<Decoder> decoder_;
  std::string in_;  // coded bytes, from at_ on not used yet
  std::size_t at_ = 0;
  std::string out_;  // what the last try_read() gave
  Decoded last_ = Decoded::kHungry;
  bool source_ended_ = false;
  bool ended_ = false;
  std::uint64_t in_bytes_ = 0;
  std::uint64_t out_bytes_ = 0;
  Duration took_{};
};

}  // namespace rpx::codec
