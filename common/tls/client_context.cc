#include "tls/client_context.h"

#include <fmt/format.h>
#include <openssl/x509v3.h>

#include "base/ip.h"
#include "base/result.h"
#include "tls/certificate.h"
#include "tls/handshake.h"

namespace rpx::tls {
namespace {

int on_new_session(SSL* ssl, SSL_SESSION* session) {
  const auto* stream = static_cast<const TlsStream*>(SSL_get_app_data(ssl));
  SessionSlot* slot = stream == nullptr ? nullptr : stream->session_slot();
  if (slot == nullptr) return 0;
  slot->session.reset(session);
  return 1;  // it is ours now
}

Status use_certificate(SSL_CTX* context, const ClientOptions& options, std::vector<std::string>& fingerprints) {
  const Certificate own = load_certificate({options.cert, options.key}, std::chrono::system_clock::now());
  if (!own.problem.empty()) return self_error(ErrorKind::kConfig, own.problem);
  for (const X509Ptr& one : own.chain) fingerprints.push_back(fingerprint_of(one.get()));
  if (SSL_CTX_use_certificate(context, own.chain.front().get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, own.key.get()) != 1)
    return config_error(options.cert);
  for (std::size_t i = 1; i < own.chain.size(); ++i) SSL_CTX_add1_chain_cert(context, own.chain[i].get());
  return {};
}

}  // namespace

Result<std::shared_ptr<const ClientContext>> ClientContext::build(const ClientOptions& options) {
  std::shared_ptr<ClientContext> out(new ClientContext);
  out->context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = out->context_.get();
  if (context == nullptr) return config_error("TLS");
  set_common_options(context);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set1_groups_list(context, kGroups);
  out->options_ = options;
  SSL_CTX_set_verify(context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!options.ca.empty()) {
    RPX_TRY(const std::vector<X509Ptr> authorities, read_bundle(options.ca));
    for (const X509Ptr& one : authorities) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one.get());
      out->fingerprints_.push_back(fingerprint_of(one.get()));
    }
    // What is named in `ca` is trusted as it is, be it an intermediate or the server's own certificate.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  } else if (options.verify && SSL_CTX_set_default_verify_paths(context) != 1) {
    return config_error("the system's certificate authorities");
  }
  if (!options.cert.empty()) RPX_TRY_VOID(use_certificate(context, options, out->fingerprints_));
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_new_session);
  return out;
}

SslPtr ClientContext::make(const std::string& host) const {
  SslPtr ssl(SSL_new(context_.get()));
  if (!ssl) return ssl;
  SSL_set_connect_state(ssl.get());
  const std::string& name = options_.name.empty() ? host : options_.name;
  if (IpAddress::parse(name)) {
    if (options_.verify) X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), name.c_str());
    return ssl;
  }
  // SNI holds names alone (RFC 6066 section 3).
  SSL_set_tlsext_host_name(ssl.get(), name.c_str());
  if (options_.verify && SSL_set1_host(ssl.get(), name.c_str()) != 1) return nullptr;
  return ssl;
}

rt::Task<Result<std::unique_ptr<net::Stream>>> ClientContext::connect(std::shared_ptr<const ClientContext> context,
                                                                      std::unique_ptr<net::SocketStream> socket,
                                                                      std::string host,
                                                                      std::shared_ptr<SessionSlot> slot,
                                                                      Instant deadline, std::string alpn) {
  SslPtr ssl = context->make(host);
  if (!ssl) co_return self_error(ErrorKind::kInternal, "TLS: no memory");
  if (!alpn.empty())
    SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                        static_cast<unsigned int>(alpn.size()));
  if (slot && slot->session) SSL_set_session(ssl.get(), slot->session.get());
  rt::Loop& loop = socket->io().loop();
  auto stream = std::make_unique<TlsStream>(loop, socket->release(), std::move(ssl), context);
  stream->keep_sessions_in(slot);
  socket.reset();
  const Status shaken = co_await handshake(*stream, deadline);
  if (!shaken) {
    // What did not lead to a connection is not tried again.
    if (slot) slot->session.reset();
    co_return std::unexpected(shaken.error());
  }
  co_return std::unique_ptr<net::Stream>(std::move(stream));
}

}  // namespace rpx::tls
