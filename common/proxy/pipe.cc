#include "proxy/pipe.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace rpx::proxy {
namespace {

// What a new pipe holds (pipe(7)). Larger ones make the two ends wait for each other, and cost more for each byte.
constexpr std::size_t kPipeBytes = 64 * 1024;
constexpr std::size_t kSparePipes = 16;

// Empty pipes of this thread, kept for the next body.
std::vector<Pipe>& spare_pipes() {
  static thread_local std::vector<Pipe> pipes;
  return pipes;
}

}  // namespace

BorrowedPipe::BorrowedPipe() {
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
}

BorrowedPipe::~BorrowedPipe() {
  if (pipe_.held == 0 && pipe_.read && spare_pipes().size() < kSparePipes) spare_pipes().push_back(std::move(pipe_));
}

Result<std::size_t> fill_pipe(Pipe& pipe, net::Stream& from, std::uint64_t most, bool& end, Side side) {
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
  if (errno != EAGAIN && errno != EINTR) return std::unexpected(net::io_error(errno, side, "splice"));
  if (pipe.held == 0) from.io().cleared_read();
  return std::size_t{0};
}

Result<std::size_t> empty_pipe(Pipe& pipe, net::Stream& to, Side side) {
  const ssize_t put = splice(pipe.read.get(), nullptr, to.fd(), nullptr, pipe.held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (put >= 0) {
    pipe.held -= static_cast<std::size_t>(put);
    return static_cast<std::size_t>(put);
  }
  if (errno != EAGAIN && errno != EINTR) return std::unexpected(net::io_error(errno, side, "splice"));
  to.io().cleared_write();
  return std::size_t{0};
}

}  // namespace rpx::proxy
