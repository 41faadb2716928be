#include "pki/challenge.h"

#include <fmt/format.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "base/result.h"
#include "pki/dial.h"
#include "pki/issue.h"
#include "pki/key.h"
#include "tls/challenges.h"

namespace rpx::pki {
namespace {

using ObjectPtr = std::unique_ptr<ASN1_OBJECT, tls::Freed<ASN1_OBJECT_free>>;
using OctetsPtr = std::unique_ptr<ASN1_OCTET_STRING, tls::Freed<ASN1_OCTET_STRING_free>>;
using ProofExtensionPtr = std::unique_ptr<X509_EXTENSION, tls::Freed<X509_EXTENSION_free>>;

constexpr std::string_view kProtocol =
    "\x0a"
    "acme-tls/1";
constexpr std::chrono::seconds kPatience{5};

int choose_protocol(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* in, unsigned int size,
                    void*) {
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, length, reinterpret_cast<const unsigned char*>(kProtocol.data()),
                                          static_cast<unsigned>(kProtocol.size()), in, size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// RFC 8737 section 3: critical, the digest of the key authorization as an octet string within the extension's own.
ProofExtensionPtr identifier_of(const Challenge& challenge) {
  std::array<unsigned char, 34> value{V_ASN1_OCTET_STRING, 32};
  EVP_Digest(challenge.key_authorization.data(), challenge.key_authorization.size(), value.data() + 2, nullptr,
             EVP_sha256(), nullptr);
  const ObjectPtr id(OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1));
  const OctetsPtr octets(ASN1_OCTET_STRING_new());
  ASN1_OCTET_STRING_set(octets.get(), value.data(), static_cast<int>(value.size()));
  return ProofExtensionPtr(X509_EXTENSION_create_by_OBJ(nullptr, id.get(), 1, octets.get()));
}

}  // namespace

Result<tls::X509Ptr> make_proof(const Challenge& challenge, EVP_PKEY* key) {
  Wanted wanted;
  wanted.names = {challenge.name};
  wanted.from = std::chrono::system_clock::now() - std::chrono::hours(1);
  wanted.life = std::chrono::hours(24);
  RPX_TRY(tls::X509Ptr out, make_certificate(key, wanted, nullptr));
  const ProofExtensionPtr identifier = identifier_of(challenge);
  if (!identifier || X509_add_ext(out.get(), identifier.get(), -1) != 1 || X509_sign(out.get(), key, EVP_sha256()) == 0)
    return self_error(ErrorKind::kInternal, "cannot make the proof: " + tls::take_openssl_error());
  return out;
}

Result<tls::SslContextPtr> proof_context(const Challenge& challenge) {
  RPX_TRY(const tls::KeyPtr key, make_key(KeyKind::kEcP256));
  RPX_TRY(const tls::X509Ptr proof, make_proof(challenge, key.get()));
  tls::SslContextPtr out(SSL_CTX_new(TLS_server_method()));
  if (!out || SSL_CTX_use_certificate(out.get(), proof.get()) != 1 || SSL_CTX_use_PrivateKey(out.get(), key.get()) != 1)
    return self_error(ErrorKind::kInternal, "cannot make the proof: " + tls::take_openssl_error());
  SSL_CTX_set_alpn_select_cb(out.get(), choose_protocol, nullptr);
  return out;
}

Result<std::unique_ptr<StandaloneSolver>> StandaloneSolver::listen(std::string type, const std::string& address) {
  std::unique_ptr<StandaloneSolver> out(new StandaloneSolver);
  out->type_ = std::move(type);
  RPX_TRY(out->listener_, net::listen_on(address, 1));
  out->listener_.wait_for_bytes(false);
  return out;
}

Status StandaloneSolver::begin(const Challenge& challenge) {
  challenge_ = challenge;
  if (type_ != "tls-alpn-01") return {};
  RPX_TRY(context_, proof_context(challenge));
  return {};
}

void StandaloneSolver::end() {
  challenge_.reset();
  context_.reset();
}

void StandaloneSolver::serve_until(Instant until) {
  const int fd = listener_.sockets.front().get();
  while (await_ready(fd, POLLIN, until)) {
    const net::UniqueFd client(accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client) answer(client.get());
  }
}

void StandaloneSolver::answer(int fd) const {
  const Instant deadline = std::chrono::steady_clock::now() + kPatience;
  type_ == "tls-alpn-01" ? answer_tls(fd, deadline) : answer_http(fd, deadline);
}

void StandaloneSolver::answer_http(int fd, Instant deadline) const {
  std::string head;
  std::array<char, 4096> piece{};
  while (head.find("\r\n\r\n") == std::string::npos && head.size() < 16'384) {
    if (!await_ready(fd, POLLIN, deadline)) return;
    const ssize_t got = recv(fd, piece.data(), piece.size(), 0);
    if (got <= 0) return;
    head.append(piece.data(), static_cast<std::size_t>(got));
  }
  const bool known =
      challenge_ && head.starts_with(fmt::format("GET {}{} HTTP/", tls::kChallengePath, challenge_->token));
  const std::string body = known ? challenge_->key_authorization : "there is no such challenge\n";
  const std::string reply = fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
      known ? "200 OK" : "404 Not Found", known ? "application/octet-stream" : "text/plain", body.size(), body);
  send(fd, reply.data(), reply.size(), MSG_NOSIGNAL);
  shutdown(fd, SHUT_WR);
}

void StandaloneSolver::answer_tls(int fd, Instant deadline) const {
  if (!context_) return;
  const tls::SslPtr ssl(SSL_new(context_.get()));
  SSL_set_fd(ssl.get(), fd);
  SSL_set_accept_state(ssl.get());
  if (shake_hands(ssl.get(), fd, deadline)) SSL_shutdown(ssl.get());
  tls::take_openssl_error();
}

}  // namespace rpx::pki
