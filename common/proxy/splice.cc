#include "proxy/splice.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/result.h"
#include "net/fd.h"
#include "rt/loop.h"

namespace rpx::proxy {
namespace {

// Below this a pipe costs more than the copy it saves.
constexpr std::uint64_t kWorthwhile = 256 * 1024;
constexpr int kPipeBytes = 1024 * 1024;
constexpr std::size_t kSparePipes = 16;
// After this much other connections get their turn.
constexpr std::size_t kTurn = 4 * 1024 * 1024;

struct Pipe {
  net::UniqueFd read;
  net::UniqueFd write;
  std::size_t held = 0;  // bytes in it
};

// Empty pipes of this thread, kept for the next body.
std::vector<Pipe>& spare_pipes() {
  static thread_local std::vector<Pipe> pipes;
  return pipes;
}

// A pipe for one body; goes back only when it is empty, so that no byte of one body ends up in another.
class BorrowedPipe {
 public:
  BorrowedPipe() {
    std::vector<Pipe>& spare = spare_pipes();
    if (!spare.empty()) {
      pipe_ = std::move(spare.back());
      spare.pop_back();
      return;
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return;
    pipe_.read = net::UniqueFd(ends[0]);
    pipe_.write = net::UniqueFd(ends[1]);
    // A smaller pipe works too: the size is subject to a limit of the system.
    fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);
  }
  ~BorrowedPipe() {
    if (pipe_.held == 0 && pipe_.read && spare_pipes().size() < kSparePipes) spare_pipes().push_back(std::move(pipe_));
  }
  BorrowedPipe(const BorrowedPipe&) = delete;
  BorrowedPipe& operator=(const BorrowedPipe&) = delete;
  explicit operator bool() const noexcept { return static_cast<bool>(pipe_.read); }
  Pipe& operator*() noexcept { return pipe_; }

 private:
  Pipe pipe_;
};

// Bytes moved; 0 when it would block, or at the end, which `end` tells.
Result<std::size_t> fill(Pipe& pipe, net::Stream& from, std::uint64_t most, bool& end) {
  const ssize_t got =
      splice(from.fd(), nullptr, pipe.write.get(), nullptr,
             static_cast<std::size_t>(std::min<std::uint64_t>(most, kPipeBytes)), SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (got > 0) {
    pipe.held += static_cast<std::size_t>(got);
    return static_cast<std::size_t>(got);
  }
  if (got == 0) {
    end = true;
    return std::size_t{0};
  }
  if (errno != EAGAIN && errno != EINTR) return std::unexpected(net::io_error(errno, Side::kUpstream, "splice"));
  if (pipe.held == 0) from.io().cleared_read();
  return std::size_t{0};
}

Result<std::size_t> empty(Pipe& pipe, net::Stream& to) {
  const ssize_t put = splice(pipe.read.get(), nullptr, to.fd(), nullptr, pipe.held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (put >= 0) {
    pipe.held -= static_cast<std::size_t>(put);
    return static_cast<std::size_t>(put);
  }
  if (errno != EAGAIN && errno != EINTR) return std::unexpected(net::io_error(errno, Side::kClient, "splice"));
  to.io().cleared_write();
  return std::size_t{0};
}

}  // namespace

bool may_splice(Busy& busy) noexcept {
  net::Stream* client = busy.exchange.stream();
  return client && client->is_plain() && busy.lease.stream().is_plain() &&
         busy.call.reader().framing() == http::Framing::kLength && busy.call.reader().left() >= kWorthwhile &&
         busy.call.leftover().empty();
}

rt::Task<Status> splice_body(Busy& busy, http::RelayTimeouts timeouts) {
  http::H1BodyReader& body = busy.call.reader();
  http::H1BodyWriter& writer = busy.h1.writer();
  // What was written by the ordinary way goes first.
  RPX_CO_TRY_VOID(co_await writer.drain(timeouts.sink_stall));
  net::Stream& client = *busy.exchange.stream();
  net::Stream& server = busy.lease.stream();
  BorrowedPipe pipe;
  if (!pipe) co_return Status{};
  std::size_t in_turn = 0;
  while (body.left() != 0 || (*pipe).held != 0) {
    bool end = false;
    if (in_turn >= kTurn) {
      in_turn = 0;
      co_await client.io().loop().yield();
    }
    if (body.left() != 0 && server.io().may_read()) {
      RPX_CO_TRY(const std::size_t got, fill(*pipe, server, body.left(), end));
      body.skipped(got);
      in_turn += got;
    }
    if ((*pipe).held != 0) {
      RPX_CO_TRY(const std::size_t put, empty(*pipe, client));
      writer.moved(put);
      if (put == 0) {
        const rt::Wake wake =
            co_await client.io().writable(deadline_after(client.io().loop().now(), timeouts.sink_stall));
        if (wake == rt::Wake::kTimeout) co_return client_error(ErrorKind::kWriteTimeout, "the client takes no bytes");
      }
      continue;
    }
    if (end) co_return upstream_error(ErrorKind::kResponseTruncated, "the server closed in the middle of its reply");
    if (body.left() != 0 && !server.io().may_read()) RPX_CO_TRY_VOID(co_await body.wait(timeouts.source_stall));
  }
  co_return Status{};
}

}  // namespace rpx::proxy
