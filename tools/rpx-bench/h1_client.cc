#include "h1_client.h"

#include <fmt/format.h>

#include <algorithm>

#include "tls/stream.h"
#include "upstream/dial.h"

namespace rpx::bench {
namespace {

using Clock = std::chrono::steady_clock;

// After a connection that could not be made; trying again at once would only measure this loop.
constexpr auto kPauseTime = std::chrono::milliseconds(20);
// Sent bytes that are kept for repeating them are thrown away beyond this.
constexpr std::size_t kKeptBytes = 64 * 1024;

load::Failure failure_of(const Error& error) noexcept {
  switch (error.kind) {
    case ErrorKind::kTlsCertificate:
    case ErrorKind::kTlsProtocol: return load::Failure::kTls;
    case ErrorKind::kConnectTimeout: return load::Failure::kTimeout;
    default: return load::Failure::kConnect;
  }
}

}  // namespace

H1Client::H1Client(Worker& worker, std::size_t number)
    : worker_(worker), number_(number), reader_(worker.plan().checks), links_(worker.plan().origins.size()) {
  flights_.reserve(static_cast<std::size_t>(worker.plan().at_once) * 2);
  for (Link& link : links_)
    if (worker.plan().resume) link.slot = std::make_shared<tls::SessionSlot>();
  if (worker.plan().cookies) reader_.collect_cookies(&set_cookies_);
}

H1Client::~H1Client() {
  if (worker_.counts_unfinished()) worker_.tally().unfinished += flights_.size() - first_;
}

rt::Task<void> H1Client::run() {
  for (;;) {
    switch (advance()) {
      case Next::kEnd: co_return;
      case Next::kConnect: co_await connect(); break;
      case Next::kIdle:
        worker_.will_wait();
        co_await worker_.idle().wait();
        break;
      case Next::kPause: co_await worker_.loop().sleep_until(Clock::now() + kPauseTime); break;
      case Next::kRead:
        if (const rt::Wake wake = co_await links_[at_].stream->io().readable(deadline_); wake == rt::Wake::kTimeout)
          drop(load::Failure::kTimeout, "no whole reply in time");
        break;
      case Next::kWrite:
        if (const rt::Wake wake = co_await links_[at_].stream->io().writable(deadline_); wake == rt::Wake::kTimeout)
          drop(load::Failure::kTimeout, "the server takes no bytes");
        break;
    }
  }
}

// Does all that can be done without waiting, and says what to wait for.
H1Client::Next H1Client::advance() {
  for (;;) {
    if (std::exchange(pause_, false)) return Next::kPause;
    const bool any = gather();
    if (!any) return worker_.open() ? Next::kIdle : Next::kEnd;
    if (!links_[at_].stream) return Next::kConnect;
    switch (send()) {
      case Io::kBlocked: return Next::kWrite;
      case Io::kBroken: continue;
      case Io::kProgress: break;
    }
    if (receive() == Io::kBlocked) return Next::kRead;
  }
}

// Takes as many requests as may be on the way. False when there is none, old ones included.
bool H1Client::gather() {
  const auto most = static_cast<std::size_t>(worker_.plan().at_once);
  if (first_ == flights_.size()) {
    flights_.clear();
    first_ = 0;
    out_.clear();
    sent_ = 0;
  }
  if (flights_.size() - first_ >= most) return true;
  const Instant now = Clock::now();
  while (flights_.size() - first_ < most) {
    Job job = next_;
    if (!std::exchange(has_next_, false) && !worker_.take(now, job)) break;
    if (flights_.empty()) {
      at_ = job.request->origin();
      deadline_ = now + worker_.plan().timeout;
    } else if (at_ != job.request->origin()) {
      next_ = job;
      has_next_ = true;
      break;
    }
    const std::size_t before = out_.size();
    worker_.write(*job.request, out_, cookies_.field());
    worker_.tally().bytes_out += out_.size() - before;
    flights_.push_back({job, out_.size()});
  }
  return first_ < flights_.size();
}

H1Client::Io H1Client::send() {
  while (sent_ < out_.size()) {
    const iovec piece{out_.data() + sent_, out_.size() - sent_};
    const net::IoResult wrote = links_[at_].stream->try_write({&piece, 1});
    switch (wrote.state) {
      case net::IoState::kDone: sent_ += wrote.bytes; break;
      case net::IoState::kWouldBlock: return Io::kBlocked;
      default: broken(load::Failure::kReset, errno_text("send", wrote.error)); return Io::kBroken;
    }
  }
  return Io::kProgress;
}

H1Client::Io H1Client::receive() {
  Link& link = links_[at_];
  for (;;) {
    if (!std::exchange(reading_, true)) reader_.begin(flights_[first_].job.request->method());
    if (!link.input.empty()) {
      const Io done = step_done(reader_.step(link.input));
      if (done == Io::kBroken) return done;
      if (done == Io::kProgress) {
        // More of the pipeline may be there already; what to send next is gathered when it is used up.
        if (first_ == flights_.size() || !link.stream || link.input.empty()) return done;
        continue;
      }
    }
    if (!link.stream->io().may_read()) return Io::kBlocked;
    if (const Io read = read_more(link); read != Io::kProgress) return read;
    if (!reading_) return Io::kProgress;
  }
}

// kProgress: a reply is over. kBlocked: more of it has to come.
H1Client::Io H1Client::step_done(load::ReplyReader::Step step) {
  switch (step) {
    case load::ReplyReader::Step::kMore: return Io::kBlocked;
    case load::ReplyReader::Step::kDone: complete(); return Io::kProgress;
    case load::ReplyReader::Step::kBad: break;
  }
  drop(load::Failure::kProtocol, reader_.problem());
  return Io::kBroken;
}

// Reads once: into the buffer, or what is body for certain past it.
H1Client::Io H1Client::read_more(Link& link) {
  const std::uint64_t plain = link.input.empty() ? reader_.plain_left() : 0;
  std::span<char> into;
  if (plain > net::InputBuffer::kBlock) {
    into = net::scratch().first(static_cast<std::size_t>(std::min<std::uint64_t>(plain, net::kScratchBytes)));
  } else {
    if (link.input.empty()) link.input.release();
    link.input.reserve(link.input.empty() ? net::InputBuffer::kBlock : 4096);
    into = link.input.room();
  }
  const net::IoResult got = link.stream->try_read(into);
  switch (got.state) {
    case net::IoState::kDone: break;
    case net::IoState::kWouldBlock: return Io::kBlocked;
    case net::IoState::kError: broken(load::Failure::kReset, errno_text("recv", got.error)); return Io::kBroken;
    case net::IoState::kEnd: {
      if (reader_.end() == load::ReplyReader::Step::kDone) {
        complete();
        return Io::kBroken;
      }
      broken(load::Failure::kClosed, reader_.problem());
      return Io::kBroken;
    }
  }
  worker_.received(got.bytes);
  if (into.data() != net::scratch().data()) {
    link.input.filled(got.bytes);
    return Io::kProgress;
  }
  if (reader_.plain({into.data(), got.bytes}) == load::ReplyReader::Step::kDone) complete();
  return Io::kProgress;
}

void H1Client::complete() {
  Flight& flight = flights_[first_];
  const Instant now = Clock::now();
  const load::Verdict& verdict = reader_.verdict();
  if (verdict.failure && worker_.tally().wants_example(*verdict.failure)) {
    load::Verdict shown{verdict.failure, example(verdict.detail)};
    worker_.finished(flight.job, reader_.status(), shown, now);
  } else {
    worker_.finished(flight.job, reader_.status(), verdict, now);
  }
  ++first_;
  reading_ = false;
  deadline_ = now + worker_.plan().timeout;
  if (!set_cookies_.empty()) keep_cookies();
  links_[at_].used = true;
  if (!reader_.keep_alive() || !worker_.plan().keep_alive) {
    close_link();
  } else if (first_ < flights_.size() && flights_[first_ - 1].end > kKeptBytes) {
    // A pipeline that never runs dry would keep all it ever sent.
    const std::size_t cut = flights_[first_ - 1].end;
    out_.erase(0, cut);
    sent_ -= cut;
    flights_.erase(flights_.begin(), flights_.begin() + static_cast<std::ptrdiff_t>(first_));
    for (Flight& rest : flights_) rest.end -= cut;
    first_ = 0;
  }
}

// The connection is of no more use. What was not answered is sent again, on another one, as any client does when a
// kept connection was closed just then; it is a failure where that cannot be the reason.
void H1Client::broken(load::Failure failure, const std::string& why) {
  const Link& link = links_[at_];
  const bool again = link.used && reader_.untouched() && link.input.empty() &&
                     http::is_idempotent(flights_[first_].job.request->method());
  if (again)
    close_link();
  else
    drop(failure, why);
}

// The first request on the way has failed, and the connection with it.
void H1Client::drop(load::Failure failure, std::string_view why) {
  worker_.failed(flights_[first_].job, failure, example(why), Clock::now());
  if (failure == load::Failure::kConnect || failure == load::Failure::kTls) pause_ = true;
  ++first_;
  deadline_ = Clock::now() + worker_.plan().timeout;
  close_link();
}

void H1Client::close_link() {
  Link& link = links_[at_];
  link.stream.reset();
  link.input.release();
  link.used = false;
  reading_ = false;
  // Whatever is still on the way has to be sent on the next connection.
  sent_ = first_ == 0 ? 0 : flights_[first_ - 1].end;
}

std::string H1Client::example(std::string_view why) const {
  const load::Request& request = *flights_[first_].job.request;
  const std::size_t end = out_.find("\r\n", first_ == 0 ? 0 : flights_[first_ - 1].end);
  const std::size_t begin = first_ == 0 ? 0 : flights_[first_ - 1].end;
  std::string_view line = std::string_view(out_).substr(begin, end - begin);
  if (line.ends_with(" HTTP/1.1")) line.remove_suffix(9);
  return fmt::format("{} ({}, {})", why, request.authority(), line);
}

rt::Task<void> H1Client::connect() {
  const Origin& origin = worker_.plan().origins[at_];
  Link& link = links_[at_];
  const Instant begun = Clock::now();
  const Address& address = origin.addresses[number_ % origin.addresses.size()];
  auto stream = co_await upstream::dial(worker_.loop(), address, {origin.tls, origin.name, link.slot}, deadline_);
  if (!stream) {
    if (stream.error().detail.find("Cannot assign requested address") != std::string::npos)
      ++worker_.tally().out_of_ports;
    drop(failure_of(stream.error()), stream.error().detail);
    co_return;
  }
  link.stream = std::move(*stream);
  const Instant now = Clock::now();
  worker_.tally().connect.record(static_cast<std::uint64_t>((now - begun).count()));
  if (origin.tls && static_cast<const tls::TlsStream&>(*link.stream).resumed()) ++worker_.tally().resumed;
}

void H1Client::keep_cookies() {
  for (const std::string& text : set_cookies_) cookies_.take(text);
  set_cookies_.clear();
}

}  // namespace rpx::bench
