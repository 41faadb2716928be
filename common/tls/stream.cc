#include "tls/stream.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "tls/certificate.h"

namespace rpx::tls {
namespace {

using net::IoResult;
using net::IoState;

constexpr std::size_t kRecord = 16 * 1024;
// Records that are gathered before they go out in one send.
constexpr std::size_t kWindow = 64 * 1024;

// Ciphertext on its way out: only used within one call of a stream, so that one a thread is enough.
std::string& window() {
  static thread_local std::string bytes;
  return bytes;
}

TlsStream& stream_of(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

int bio_read(BIO* bio, char* into, std::size_t size, std::size_t* got) {
  BIO_clear_retry_flags(bio);
  const int count = stream_of(bio).receive(into, size);
  if (count < 0) BIO_set_retry_read(bio);
  if (count <= 0) return count;
  *got = static_cast<std::size_t>(count);
  return 1;
}

int bio_write(BIO* bio, const char* bytes, std::size_t size, std::size_t* put) {
  BIO_clear_retry_flags(bio);
  window().append(bytes, size);
  *put = size;
  return 1;
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

int bio_create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "rpx socket");
  BIO_meth_set_read_ex(method, bio_read);
  BIO_meth_set_write_ex(method, bio_write);
  BIO_meth_set_ctrl(method, bio_control);
  BIO_meth_set_create(method, bio_create);
  return method;
}

const BIO_METHOD* method() {
  static BIO_METHOD* const kMade = make_method();
  return kMade;
}

bool begins_like_http(char first) noexcept { return first >= 'A' && first <= 'Z'; }

}  // namespace

TlsStream::TlsStream(rt::Loop& loop, net::UniqueFd fd, SslPtr ssl, std::shared_ptr<const void> keeps)
    : Stream(loop, fd.get()), fd_(std::move(fd)), ssl_(std::move(ssl)), keeps_(std::move(keeps)) {
  BIO* bio = BIO_new(method());
  BIO_set_data(bio, this);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
}

TlsStream::~TlsStream() {
  if (ready_ && !broken_ && held_.empty() && (SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) == 0) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    flush();
  }
  // As for any stream: the loop forgets the descriptor before it is closed.
  io_.unwatch();
}

int TlsStream::receive(char* into, std::size_t size) noexcept {
  // After a short read the socket is known to be empty: what comes later is news, and sets the flag again.
  if (drained_ || ended_) return ended_ ? 0 : -1;
  const ssize_t got = recv(fd(), into, size, 0);
  if (got > 0) {
    if (first_) {
      spoke_plain_ = begins_like_http(*into);
      // The preface of RFC 9113 section 3.4; no method is called so.
      spoke_h2_ = std::string_view(into, static_cast<std::size_t>(got)).starts_with("PRI ");
    }
    first_ = false;
    drained_ = static_cast<std::size_t>(got) < size && !io_.peer_closed();
    return static_cast<int>(got);
  }
  if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    ended_ = true;
    return 0;
  }
  drained_ = true;
  return -1;
}

// Sends what the window holds, behind what is held already. True when nothing is left.
bool TlsStream::flush() {
  std::string& out = window();
  const bool from_held = !held_.empty();
  if (from_held) held_.append(out);
  std::string& bytes = from_held ? held_ : out;
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t put = send(fd(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (put < 0) {
      // What cannot be sent any more is dropped: the next read tells what happened.
      if (errno != EAGAIN && errno != EINTR) {
        broken_ = true;
        sent = bytes.size();
      }
      break;
    }
    sent += static_cast<std::size_t>(put);
  }
  if (sent < bytes.size()) {
    if (from_held)
      held_.erase(0, sent);
    else
      held_.assign(bytes, sent);
    out.clear();
    io_.cleared_write();
    return false;
  }
  out.clear();
  if (from_held) std::string().swap(held_);
  return true;
}

TlsStream::Step TlsStream::try_handshake() {
  if (!held_.empty() && !flush()) return Step::kWrite;
  drained_ = false;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    // Until the last message is out nobody may think of the connection as idle.
    if (!flush()) return Step::kWrite;
    if (drained_ && SSL_has_pending(ssl_.get()) == 0) io_.cleared_read();
    ready_ = true;
    std::string().swap(offer_);
    learn_peer();
    return Step::kDone;
  }
  const int why = SSL_get_error(ssl_.get(), result);
  if (why == SSL_ERROR_WANT_READ) {
    if (!flush()) return Step::kWrite;
    io_.cleared_read();
    return Step::kRead;
  }
  const bool plain = spoke_plain_ && is_server();
  spoke_plain_ = plain;
  if (ended_)
    failure_.clear();
  else if (failure_.empty())
    failure_ = take_openssl_error();
  if (plain)
    window().clear();
  else
    flush();  // the alert
  ERR_clear_error();
  broken_ = true;
  return Step::kFailed;
}

std::string_view TlsStream::alpn() const noexcept {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

void TlsStream::learn_peer() {
  const X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr || !is_server()) return;
  peer_ = std::make_unique<Peer>(Peer{subject_of(certificate), fingerprint_of(certificate)});
}

IoResult TlsStream::read_failed(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: io_.cleared_read(); return {IoState::kWouldBlock, 0, 0};
    case SSL_ERROR_ZERO_RETURN: return {IoState::kEnd, 0, 0};
    default: break;
  }
  broken_ = true;
  ERR_clear_error();
  // An end without a close_notify: a client has its reason to be short, but a server's reply may have been cut.
  if (ended_ && is_server()) return {IoState::kEnd, 0, 0};
  return {IoState::kError, ECONNABORTED, 0};
}

IoResult TlsStream::try_read(std::span<char> into) {
  if (broken_) return {IoState::kError, ECONNABORTED, 0};
  drained_ = false;
  std::size_t total = 0;
  while (total < into.size()) {
    std::size_t got = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_.get(), into.data() + total, into.size() - total, &got);
    total += got;
    if (result != 1) {
      if (total == 0) {
        const IoResult failed = read_failed(result);
        if (!window().empty()) flush();
        return failed;
      }
      // What ended the reading is met again by the next try, unless it was that nothing more is there.
      if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) io_.cleared_read();
      break;
    }
    if (drained_ && SSL_has_pending(ssl_.get()) == 0) {
      io_.cleared_read();
      break;
    }
  }
  if (!window().empty()) flush();
  return {IoState::kDone, 0, total};
}

IoResult TlsStream::try_write(std::span<const iovec> pieces) {
  if (broken_) return {IoState::kError, EPIPE, 0};
  if (!held_.empty() && !flush())
    return broken_ ? IoResult{IoState::kError, EPIPE, 0} : IoResult{IoState::kWouldBlock, 0, 0};
  std::size_t skip = std::exchange(owes_, false) ? 1 : 0;
  std::size_t total = skip;
  for (const iovec& piece : pieces) {
    const std::size_t past = std::min(skip, piece.iov_len);
    skip -= past;
    for (std::size_t at = past; at < piece.iov_len && held_.empty();) {
      std::size_t put = 0;
      ERR_clear_error();
      const std::size_t most = std::min(kRecord, piece.iov_len - at);
      if (SSL_write_ex(ssl_.get(), static_cast<const char*>(piece.iov_base) + at, most, &put) != 1) {
        broken_ = true;
        ERR_clear_error();
        window().clear();
        return {IoState::kError, EPIPE, 0};
      }
      at += put;
      total += put;
      if (window().size() >= kWindow) flush();
    }
  }
  if (held_.empty()) flush();
  if (broken_) return {IoState::kError, EPIPE, 0};
  // A caller believes that what was written is gone and may wait for something else, so the last byte is not
  // told before the kernel has it all.
  if (!held_.empty()) {
    owes_ = true;
    --total;
  }
  return total == 0 ? IoResult{IoState::kWouldBlock, 0, 0} : IoResult{IoState::kDone, 0, total};
}

void TlsStream::shutdown_write() noexcept {
  if (ready_ && !broken_) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    flush();
  }
  shutdown(fd(), SHUT_WR);
}

void TlsStream::reset_on_close() noexcept {
  broken_ = true;
  Stream::reset_on_close();
}

}  // namespace rpx::tls
