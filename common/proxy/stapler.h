// Stapler: fetches what the responders of authorities say of the certificates in use, and puts it on them; before it
// runs out it is fetched again. On a thread of its own; owned by the server, its functions are called by control
// threads.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "net/fd.h"
#include "net/resolver.h"
#include "proxy/certificates.h"
#include "tls/stapling.h"

namespace rpx::proxy {

class Stapler {
 public:
  /// `names` outlives it: the names of servers that it asks are looked up there.
  explicit Stapler(net::Resolver& names);
  ~Stapler() { stop(); }
  Stapler(const Stapler&) = delete;
  Stapler& operator=(const Stapler&) = delete;

  /// From now on these; null, or ocsp_stapling = false in their options, for none.
  void configure(std::shared_ptr<Certificates> certificates);
  void stop();

 private:
  struct Known {
    tls::Staple staple;
    WallTime next{};
    std::uint32_t failures = 0;
  };
  void run();
  void look(const Certificates& certificates);
  void look_at(const tls::Certificate& certificate);
  static void refresh(const tls::Certificate& certificate, const std::string& url, Known& known);

  const net::UniqueFd end_fd_;  // readable once it is to end
  net::Resolver& resolver_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::shared_ptr<Certificates> certificates_;
  bool ending_ = false;
  std::thread thread_;

  std::map<std::string, Known> known_;  // by fingerprint; of the thread alone
};

}  // namespace rpx::proxy
