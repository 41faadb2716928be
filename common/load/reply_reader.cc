#include "load/reply_reader.h"

#include <algorithm>

#include "http/h1_parse.h"

namespace rpx::load {

ReplyReader::ReplyReader(const Checks& checks)
    : checks_(checks), hash_(checks.hashes() ? std::make_unique<BodyHash>() : nullptr) {
  // A client that measures takes what servers send.
  limits_.header_bytes = 256 * 1024;
  limits_.headers = 1000;
}

ReplyReader::~ReplyReader() = default;

void ReplyReader::begin(http::Method method) noexcept {
  method_ = method;
  in_body_ = false;
  untouched_ = true;
  keep_alive_ = true;
  status_ = 0;
  body_ = left_ = 0;
  verdict_.clear();
}

ReplyReader::Step ReplyReader::step(net::InputBuffer& input) {
  if (!input.empty()) untouched_ = false;
  return in_body_ ? read_body(input) : read_head(input);
}

ReplyReader::Step ReplyReader::read_head(net::InputBuffer& input) {
  for (;;) {
    if (input.empty()) return Step::kMore;
    const Result<std::size_t> used = http::parse_response_head(input.view(), limits_, method_, head_);
    if (!used) {
      problem_ = used.error().detail;
      return Step::kBad;
    }
    if (*used == 0) return Step::kMore;
    status_ = head_.status;
    if (status_ >= 200 || status_ == 101) {
      keep_alive_ = head_.keep_alive && head_.framing != http::Framing::kClose && status_ != 101;
      framing_ = head_.framing;
      left_ = head_.content_length;
      checks_.judge_head(status_, head_.headers, verdict_);
      if (cookies_ != nullptr)
        for (const http::Field& field : head_.headers)
          if (field.id == http::FieldId::kSetCookie) cookies_->emplace_back(field.value);
      input.consume(*used);
      break;
    }
    input.consume(*used);
  }
  in_body_ = true;
  if (framing_ == http::Framing::kChunked) chunked_ = http::ChunkedDecoder(Side::kUpstream);
  if (hash_) hash_->reset();
  return read_body(input);
}

void ReplyReader::take(std::string_view data) {
  body_ += data.size();
  if (hash_) hash_->add(data);
}

ReplyReader::Step ReplyReader::read_body(net::InputBuffer& input) {
  switch (framing_) {
    case http::Framing::kNone: return finish();
    case http::Framing::kLength: {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
      take(input.view().substr(0, count));
      input.consume(count);
      left_ -= count;
      return left_ == 0 ? finish() : Step::kMore;
    }
    case http::Framing::kClose:
      take(input.view());
      input.consume(input.size());
      return Step::kMore;
    case http::Framing::kChunked: break;
  }
  if (input.empty()) return Step::kMore;
  const Result<http::ChunkedDecoder::Step> decoded = chunked_.decode(input.bytes(), limits_);
  if (!decoded) {
    problem_ = decoded.error().detail;
    return Step::kBad;
  }
  take(input.view().substr(0, decoded->produced));
  input.consume(decoded->consumed);
  return decoded->done ? finish() : Step::kMore;
}

std::uint64_t ReplyReader::plain_left() const noexcept {
  if (!in_body_) return 0;
  return framing_ == http::Framing::kLength ? left_ : framing_ == http::Framing::kClose ? ~std::uint64_t{0} : 0;
}

ReplyReader::Step ReplyReader::plain(std::string_view data) {
  take(data);
  if (framing_ == http::Framing::kClose) return Step::kMore;
  left_ -= data.size();
  return left_ == 0 ? finish() : Step::kMore;
}

ReplyReader::Step ReplyReader::finish() {
  in_body_ = false;
  checks_.judge_body(body_, hash_.get(), verdict_);
  return Step::kDone;
}

ReplyReader::Step ReplyReader::end() {
  if (in_body_ && framing_ == http::Framing::kClose) return finish();
  problem_ = untouched_ ? "the server closed without a reply" : "the server closed in the middle of a reply";
  return Step::kBad;
}

}  // namespace rpx::load
