// One errand to a certificate authority: asks when a certificate is to be renewed, or obtains one, proves it by a
// handshake and puts it in its place. Used by proxy/acme_keeper on its thread; blocks.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "pki/acme.h"
#include "proxy/acme_options.h"
#include "proxy/acme_schedule.h"
#include "proxy/certificates.h"

namespace rpx::proxy {

/// What an errand is done with; all is kept by the caller.
struct AcmeTools {
  const AcmeOptions& options;
  const AcmeStore& store;
  tls::Challenges& challenges;
  Certificates* certificates;               ///< null where no listener has TLS
  std::function<void(Instant until)> wait;  ///< returns early when the thread is to end
  std::function<double()> chance;           ///< 0 to 1, at random
};

/// What is stored for `name`, and how good it is at `now`.
struct AcmeStored {
  AcmeHeld held;
  tls::Certificate certificate;  ///< without a chain when there is none
};
AcmeStored look_at_stored(const AcmeStore& store, const std::string& name, WallTime now);

/// Obtains a certificate for `name`; `record` is what is known after it, also when it fails. It is written before the
/// authority is asked, so that a proxy that is killed again and again does not come again and again. Errors: kIo when
/// the store cannot be written, and then nobody has been asked; those of pki::AcmeClient; kConfig when what was
/// obtained is not fit to be served.
Status obtain_certificate(const AcmeTools& tools, const std::string& name, AcmeRecord& record);
/// Asks when the certificate of `name` is to be renewed; an authority that does not say is no error. Errors: kIo.
Status ask_for_renewal(const AcmeTools& tools, const std::string& name, AcmeRecord& record);

}  // namespace rpx::proxy
