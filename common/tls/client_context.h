// How we speak TLS to the servers of one upstream: what we trust, and what we show. Immutable; built with a site,
// used by the pools of all workers.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "net/stream.h"
#include "tls/openssl.h"
#include "tls/options.h"
#include "tls/stream.h"

namespace rpx::tls {

class ClientContext {
 public:
  /// Reads the files of `options`. Errors: kConfig, naming the file.
  static Result<std::shared_ptr<const ClientContext>> build(const ClientOptions& options);

  /// Takes over a connected socket and shakes hands. `host` is the server's name or address, for SNI and verification
  /// where the options name none; the session in `slot` is resumed and replaced. Errors, Side::kUpstream:
  /// kTlsCertificate, kTlsProtocol, kConnectTimeout, kClosed.
  static rt::Task<Result<std::unique_ptr<net::Stream>>> connect(std::shared_ptr<const ClientContext> context,
                                                                std::unique_ptr<net::SocketStream> socket,
                                                                std::string host, std::shared_ptr<SessionSlot> slot,
                                                                Instant deadline);

 private:
  ClientContext() = default;
  SslPtr make(const std::string& host) const;
  SslContextPtr context_;
  std::string name_;
  bool verify_ = true;
};

}  // namespace rpx::tls
