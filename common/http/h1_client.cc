#include "http/h1_client.h"

#include "base/result.h"
#include "http/h1_parse.h"
#include "http/h1_write.h"

namespace rpx::http {

BodySink& H1Call::begin(net::Stream& stream, const Limits& limits, const RequestLine& line, const Headers& headers,
                        Framing framing) {
  // One that was used to its end has let go of everything already, while it was warm in the caches.
  if (stream_) release();
  stream_ = &stream;
  limits_ = &limits;
  nothing_received_ = true;
  reads_head_ = false;
  writer_.begin(stream, framing);
  write_request_head(writer_.head(), line.method, line.path, line.query, headers);
  return writer_;
}

Result<bool> H1Call::try_read_head(Method request_method) {
  if (!reads_head_) {
    reads_head_ = true;
    head_.clear();
    head_reader_.begin();
  }
  for (;;) {
    if (head_reader_.worth_parsing(input_.view())) {
      RPX_TRY(const std::size_t used, parse_response_head(input_.view(), *limits_, request_method, head_));
      if (used != 0) {
        input_.consume(used);
        reads_head_ = false;
        return true;
      }
    }
    int error = 0;
    switch (head_reader_.read(*stream_, input_, error)) {
      case HeadRead::kMore: nothing_received_ = false; break;
      case HeadRead::kBlocked: return false;
      case HeadRead::kError: return std::unexpected(net::io_error(error, Side::kUpstream, "recv"));
      case HeadRead::kEnd:
        if (nothing_received_) return upstream_error(ErrorKind::kClosed, "the server closed without a reply");
        return upstream_error(ErrorKind::kBadResponse, "the server closed in the middle of a reply head");
    }
  }
}

Status H1Call::judge_wait(rt::Wake wake) {
  if (wake == rt::Wake::kTimeout) return upstream_error(ErrorKind::kResponseTimeout, "no reply in time");
  if (wake == rt::Wake::kInterrupted) return self_error(ErrorKind::kCancelled, "interrupted");
  return {};
}

BodySource& H1Call::body() noexcept {
  reader_.begin(*stream_, head_.framing, head_.content_length, *limits_, 0);
  return reader_;
}

bool H1Call::reusable(bool request_sent) const noexcept {
  return request_sent && head_.keep_alive && head_.status >= 200 && reader_.ended() &&
         reader_.framing() != Framing::kClose && input_.empty() && ahead_.empty() && !writer_.pending();
}

void H1Call::release() noexcept {
  if (!stream_) return;
  stream_ = nullptr;
  input_.release();
  ahead_.release();
  head_.release();
  reader_.release();
  writer_.release();
}

}  // namespace rpx::http
