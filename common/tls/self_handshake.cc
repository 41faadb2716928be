#include "tls/self_handshake.h"

#include <fmt/format.h>
#include <openssl/x509v3.h>

#include "base/ip.h"
#include "base/result.h"

namespace rpx::tls {
namespace {

// A handshake takes each side three steps or so; more means that they never will.
constexpr int kMostSteps = 20;

SslPtr make_client(const std::string& name) {
  const SslContextPtr context(SSL_CTX_new(TLS_client_method()));
  if (!context) return {};
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SslPtr ssl(SSL_new(context.get()));
  if (!ssl) return {};
  SSL_set_connect_state(ssl.get());
  if (!IpAddress::parse(name)) SSL_set_tlsext_host_name(ssl.get(), name.c_str());
  return ssl;
}

// False when this side can do no more.
bool step(SSL* ssl, bool& done) {
  const int result = SSL_do_handshake(ssl);
  done = result == 1;
  return done || SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ;
}

std::unexpected<Error> refused(const std::string& name, std::string_view why) {
  const std::string said = take_openssl_error();
  return self_error(ErrorKind::kConfig, fmt::format("a client that asks for {} would turn away: {}{}{}", name, why,
                                                    said.empty() ? "" : ": ", said));
}

bool is_for(X509* leaf, const std::string& name) {
  return (IpAddress::parse(name)
              ? X509_check_ip_asc(leaf, name.c_str(), 0)
              : X509_check_host(leaf, name.data(), name.size(), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr)) == 1;
}

}  // namespace

Result<std::string> shake_hands_with_self(const ServerContexts& contexts, const std::string& name) {
  take_openssl_error();
  const SslPtr server = contexts.make();
  const SslPtr client = make_client(name);
  BIO* ours = nullptr;
  BIO* theirs = nullptr;
  if (!server || !client || BIO_new_bio_pair(&ours, 0, &theirs, 0) != 1)
    return self_error(ErrorKind::kInternal, take_openssl_error());
  // Who the client is does not matter here.
  SSL_set_verify(server.get(), SSL_VERIFY_NONE, nullptr);
  SSL_set_bio(server.get(), ours, ours);
  SSL_set_bio(client.get(), theirs, theirs);
  bool client_done = false;
  bool server_done = false;
  for (int i = 0; !client_done || !server_done; ++i)
    if (i == kMostSteps || !step(client.get(), client_done) || !step(server.get(), server_done))
      return refused(name, "there is no handshake");
  X509* leaf = SSL_get0_peer_certificate(client.get());
  if (leaf == nullptr) return refused(name, "no certificate is sent");
  if (!is_for(leaf, name)) return refused(name, "what is sent is for another name");
  return fingerprint_of(leaf);
}

}  // namespace rpx::tls
