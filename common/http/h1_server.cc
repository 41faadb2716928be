#include "http/h1_server.h"

#include "base/result.h"
#include "http/h1_parse.h"
#include "http/h1_write.h"

namespace rpx::http {
namespace {

// A request's unread rest up to this size is read and dropped when it is there already, so that the connection
// can go on; more is not worth it.
constexpr std::uint64_t kDropAtMost = 64 * 1024;

}  // namespace

void H1Exchange::attach(net::Stream& stream, const Limits& limits) noexcept {
  stream_ = &stream;
  limits_ = &limits;
  head_reader_.begin();
  close_ = cut_ = replied_ = bad_head_ = false;
  head_bytes_ = 0;
  // A head that cannot be parsed is answered too.
  reader_.begin(stream, Framing::kNone, 0, limits, 0);
  writer_.begin(stream, Framing::kNone);
  writer_.demand(limits.min_reply_rate);
}

void H1Exchange::release() noexcept {
  stream_ = nullptr;
  input_.release();
  ahead_.release();
  head_.clear();
  arena_.clear();
  writer_.release();
}

Result<H1Exchange::Head> H1Exchange::try_read_head() {
  if (input_.empty() && !ahead_.empty()) {
    input_.append(ahead_.view());
    ahead_.release();
  }
  for (;;) {
    if (head_reader_.worth_parsing(input_.view())) {
      RPX_TRY(const std::size_t used, parse_request_head(input_.view(), *limits_, arena_, head_));
      if (used != 0) {
        input_.consume(used);
        head_bytes_ = used;
        reader_.begin(*stream_, head_.framing, head_.content_length, *limits_, 0);
        writer_.begin(*stream_, Framing::kNone);
        return Head::kComplete;
      }
      // Reading more may move the bytes that this half of a head points into.
      head_.clear();
    }
    int error = 0;
    switch (head_reader_.read(*stream_, input_, error)) {
      case HeadRead::kMore: break;
      case HeadRead::kBlocked: return Head::kBlocked;
      case HeadRead::kError: return std::unexpected(net::io_error(error, Side::kClient, "recv"));
      case HeadRead::kEnd:
        if (input_.empty()) return Head::kClosed;
        return client_error(ErrorKind::kBadRequest, "the connection ends in the middle of a request head");
    }
  }
}

BodySource& H1Exchange::body(std::uint64_t most) noexcept {
  reader_.begin(*stream_, head_.framing, head_.content_length, *limits_, most);
  return reader_;
}

Status H1Exchange::send_interim(std::uint16_t status, const Headers& headers) {
  if (head_.minor_version == 0 || replied_) return {};
  write_response_head(writer_.head(), status, {}, headers);
  RPX_TRY([[maybe_unused]] const bool flushed, writer_.try_flush());
  return {};
}

BodySink& H1Exchange::reply(std::uint16_t status, std::string_view reason, Headers& headers, ReplyBody body) {
  Framing framing = Framing::kNone;
  if (body.length && status >= 200 && status != 204) {
    headers.add(FieldId::kContentLength, "Content-Length", arena_.decimal(*body.length));
    if (body.present) framing = Framing::kLength;
  } else if (body.present) {
    framing = head_.minor_version == 0 ? Framing::kClose : Framing::kChunked;
    if (framing == Framing::kChunked) headers.add(FieldId::kTransferEncoding, "Transfer-Encoding", "chunked");
  }
  if (framing == Framing::kClose) close_ = true;
  // A body that was never asked for (no 100 Continue was sent) may or may not come: only a close is clear.
  if (!reader_.ended() && head_.expects_continue && reader_.received() == 0) close_ = true;
  if (!head_.keep_alive) close_ = true;
  if (status != 101) {
    if (close_)
      headers.add(FieldId::kConnection, "Connection", "close");
    else if (head_.minor_version == 0)
      headers.add(FieldId::kConnection, "Connection", "keep-alive");
  }
  writer_.set_framing(framing);
  write_response_head(writer_.head(), status, reason, headers);
  replied_ = true;
  return writer_;
}

bool H1Exchange::finish() {
  bool go_on = replied_ && !close_ && !bad_head_;
  if (go_on && !reader_.ended()) {
    // The rest of a request nobody wanted, if it is short and here already.
    const std::uint64_t before = reader_.received();
    while (go_on && !reader_.ended()) {
      const Result<BodyPiece> piece = reader_.try_read(kDropAtMost);
      go_on = piece && !piece->blocked && reader_.received() - before <= kDropAtMost;
    }
  }
  if (!go_on) return false;
  arena_.clear();
  replied_ = false;
  head_reader_.begin();
  if (input_.empty()) input_.release();
  return true;
}

}  // namespace rpx::http
