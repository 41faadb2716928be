// ProxySolver: has the running proxy answer challenges, on the listeners that it has anyway. Main thread; blocks.
#pragma once

#include "control/client.h"
#include "pki/acme.h"

namespace rpx::cert {

class ProxySolver final : public pki::ChallengeSolver {
 public:
  ProxySolver(control::Client proxy, std::string type) : proxy_(std::move(proxy)), type_(std::move(type)) {}
  std::string type() const override { return type_; }
  /// Errors: those of the client; kInternal with what the proxy says.
  Status begin(const pki::Challenge& challenge) override;
  void serve_until(Instant until) override;
  void end() override;

 private:
  control::Client proxy_;
  std::string type_;
  std::string token_;
};

}  // namespace rpx::cert
