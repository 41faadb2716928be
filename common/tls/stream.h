// TlsStream: TLS over a connected socket, as a net::Stream. OpenSSL reads straight from the socket and writes
// into a window of the thread that goes out in one send; an idle stream holds neither. Used by proxy/ for clients
// and by upstream/ for servers; one thread.
#pragma once

#include <memory>
#include <string>

#include "net/stream.h"
#include "tls/openssl.h"

namespace rpx::tls {

/// Who the other side has proven to be.
struct Peer {
  std::string subject;      ///< RFC 2253
  std::string fingerprint;  ///< SHA-256, 64 hexadecimal digits
};

/// Where the session of the last connection to a server is kept for the next one. One thread.
struct SessionSlot {
  SessionPtr session;
};

class TlsStream final : public net::Stream {
 public:
  /// `ssl` has its role. `keeps` is what its callbacks need, held as long as the stream lives.
  TlsStream(rt::Loop& loop, net::UniqueFd fd, SslPtr ssl, std::shared_ptr<const void> keeps);
  ~TlsStream() override;

  enum class Step : std::uint8_t { kDone, kRead, kWrite, kFailed };
  /// Goes on with the handshake; kRead and kWrite say what to wait for. See handshake.h.
  Step try_handshake();
  /// After kFailed: the peer sent no TLS but something that looks like plain HTTP. Nothing was answered.
  bool spoke_plain() const noexcept { return spoke_plain_; }
  /// And that it was HTTP/2, with prior knowledge.
  bool spoke_plain_h2() const noexcept { return spoke_plain_ && spoke_h2_; }
  /// After kFailed: what OpenSSL says; empty when the peer just closed.
  const std::string& failure() const noexcept { return failure_; }
  /// Why the handshake is going to fail, where we know better than OpenSSL.
  void explain_failure(std::string why) noexcept { failure_ = std::move(why); }
  bool is_server() const noexcept { return SSL_is_server(ssl_.get()) == 1; }
  bool resumed() const noexcept { return SSL_session_reused(ssl_.get()) == 1; }
  /// The peer's verified certificate; null when it showed none. Valid after the handshake.
  const Peer* peer() const noexcept { return peer_.get(); }
  SSL* ssl() const noexcept { return ssl_.get(); }
  /// Protocols a client may choose from by ALPN, each behind a byte of its length; before the handshake.
  void offer(std::string protocols) noexcept { offer_ = std::move(protocols); }
  const std::string& offered() const noexcept { return offer_; }
  /// The protocol that was agreed on; empty for none. After the handshake.
  std::string_view alpn() const noexcept;
  /// Sessions of this connection go there; before the handshake, on the client's side.
  void keep_sessions_in(std::shared_ptr<SessionSlot> slot) noexcept { slot_ = std::move(slot); }
  SessionSlot* session_slot() const noexcept { return slot_.get(); }

  net::IoResult try_read(std::span<char> into) override;
  /// What a caller is told to write again must come again, first: some of it may be on its way.
  net::IoResult try_write(std::span<const iovec> pieces) override;
  void shutdown_write() noexcept override;
  bool is_plain() const noexcept override { return false; }
  void reset_on_close() noexcept override;

  /// For the BIO below OpenSSL.
  int receive(char* into, std::size_t size) noexcept;

 private:
  bool flush();
  net::IoResult read_failed(int result);
  void learn_peer();

  net::UniqueFd fd_;
  SslPtr ssl_;
  std::shared_ptr<const void> keeps_;
  std::shared_ptr<SessionSlot> slot_;
  std::unique_ptr<Peer> peer_;
  std::string held_;     // ciphertext the socket did not take
  std::string failure_;  // of the handshake
  std::string offer_;    // until it is over
  bool owes_ = false;    // one byte of plaintext in held_ has not been told as written yet
  bool drained_ = false;
  bool ended_ = false;   // the peer's TCP end was read
  bool broken_ = false;  // OpenSSL may not be used any more, but to be freed
  bool ready_ = false;   // the handshake is over
  bool first_ = true;    // no byte has come yet
  bool spoke_plain_ = false;
  bool spoke_h2_ = false;
};

}  // namespace rpx::tls
