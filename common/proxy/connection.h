// A client's connection from accept to close: who it is, and its exchanges one after the other. Small while
// idle: all else is borrowed from the worker when a request comes. On the worker's thread.
#pragma once

#include "base/ip.h"
#include "net/fd.h"
#include "net/stream.h"
#include "proxy/worker.h"
#include "rt/task.h"
#include "tls/stream.h"

namespace rpx::proxy {

struct Passage;
class WaitingList;

/// A connection as the kernel gives it.
struct Accepted {
  net::UniqueFd fd;
  IpAddress peer;
  std::uint16_t port = 0;
  std::shared_ptr<const ListenerFacts> listener;
};

struct ClientConnection {
  ClientConnection(Worker& owner, Accepted from)
      : worker(owner),
        plain(owner.loop(), std::move(from.fd)),
        listener(std::move(from.listener)),
        peer(from.peer),
        port(from.port),
        accepted(owner.loop().now()),
        id(owner.next_connection_id()) {}

  /// Where requests come from: the socket, or TLS over it.
  net::Stream& stream() noexcept { return secured ? static_cast<net::Stream&>(*secured) : plain; }
  /// Who the client has proven to be with a certificate; null for nobody.
  const tls::Peer* client_certificate() const noexcept { return secured ? secured->peer() : nullptr; }

  Worker& worker;
  net::SocketStream plain;
  std::unique_ptr<tls::TlsStream> secured;  ///< has taken over the socket of `plain`
  std::shared_ptr<const ListenerFacts> listener;
  IpAddress peer;  ///< the other end; a PROXY header's word for it where one was demanded
  std::uint16_t port = 0;
  bool counted_client = false;  ///< holds a place in the per-client count
  bool idle = true;             ///< between exchanges: may be closed without loss
  bool multiplexed = false;     ///< HTTP/2 is spoken: it is told of an end to come in the midst of exchanges
  bool is_blocked = false;      ///< by the table of `blocks_seen`
  Instant accepted;
  std::uint64_t id;
  std::uint32_t requests = 0;
  std::uint32_t blocks_seen = 0;  ///< generation of the table that is_blocked is about
  Busy* busy = nullptr;
  const Passage* passage = nullptr;  ///< of a tcp listener, once it is known
  ClientConnection* next = nullptr;
  ClientConnection* prev = nullptr;
  /// Its place among those that may be closed to make room; see WaitingList.
  struct Waits {
    WaitingList* list = nullptr;
    Instant since{};
    ClientConnection* next = nullptr;
    ClientConnection* prev = nullptr;
  };
  Waits waits;
};

/// What the client's certificate says; empty when it showed none.
inline std::string_view subject_of(const ClientConnection& connection) noexcept {
  const tls::Peer* peer = connection.client_certificate();
  return peer ? std::string_view(peer->subject) : std::string_view();
}
inline std::string_view fingerprint_of(const ClientConnection& connection) noexcept {
  const tls::Peer* peer = connection.client_certificate();
  return peer ? std::string_view(peer->fingerprint) : std::string_view();
}

/// Serves one connection until it ends. `from` is taken when the task starts, and is to last until then: what the task
/// keeps of it itself would be there for as long as the connection is idle.
rt::Task<void> serve_connection(Worker& worker, Accepted&& from);

}  // namespace rpx::proxy
