// How we speak TLS to the servers of one upstream: what we trust, and what we show. Immutable; built with a site,
// used by the pools of all workers.
#pragma once

#include <memory>
#include <string>
#include <vector>

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

  /// It was made from the same options and the same certificates, so that connections of the one do for the other.
  bool same_as(const ClientContext& other) const noexcept {
    return options_ == other.options_ && fingerprints_ == other.fingerprints_;
  }

  /// Takes over a connected socket and shakes hands. `host` is the server's name or address, for SNI and verification
  /// where the options name none; the session in `slot` is resumed and replaced; `alpn` is what is offered (RFC 7301),
  /// each protocol behind a byte of its length. Errors, Side::kUpstream:
  /// kTlsCertificate, kTlsProtocol, kConnectTimeout, kClosed.
  static rt::Task<Result<std::unique_ptr<net::Stream>>> connect(std::shared_ptr<const ClientContext> context,
                                                                std::unique_ptr<net::SocketStream> socket,
                                                                std::string host, std::shared_ptr<SessionSlot> slot,
                                                                Instant deadline, std::string alpn = {});

 private:
  ClientContext() = default;
  SslPtr make(const std::string& host) const;
  SslContextPtr context_;
  ClientOptions options_;
  std::vector<std::string> fingerprints_;  // of what was read from files
};

}  // namespace rpx::tls
