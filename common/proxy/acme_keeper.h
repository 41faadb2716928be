// AcmeKeeper: obtains the certificates of [acme] and renews them, on a thread of its own. Owned by the server; its
// functions are called by control threads.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/fd.h"
#include "net/resolver.h"
#include "proxy/acme_options.h"
#include "proxy/acme_order.h"
#include "proxy/acme_views.h"

namespace rpx::proxy {

class AcmeKeeper {
 public:
  /// `names` outlives it: the names of servers that it asks are looked up there.
  explicit AcmeKeeper(net::Resolver& names);
  ~AcmeKeeper() { stop(); }
  AcmeKeeper(const AcmeKeeper&) = delete;
  AcmeKeeper& operator=(const AcmeKeeper&) = delete;

  /// From now on these names, with what is known of them on disk; what is at work finishes as it began.
  void configure(const AcmeOptions& options, std::shared_ptr<Certificates> certificates,
                 std::shared_ptr<tls::Challenges> challenges);
  /// Work begins; before that nothing is written and nobody is asked.
  void start();
  /// Ends it; what is at work is given up.
  void stop();

  AcmeView view();
  /// Makes `name` due, or all when it is empty, whatever was tried before. The names. Errors: kNotFound.
  Result<std::vector<std::string>> renew(const std::string& name);

 private:
  struct Name {
    AcmeRecord record;
    AcmeHeld held;
    std::string fingerprint;
    bool known = false;  // what is on disk has been read
    bool busy = false;
    bool hurried = false;  // somebody wants it renewed now
    Instant not_before{};  // while another process is at work
  };
  using Names = std::map<std::string, Name>;

  void run();
  void work_on(std::unique_lock<std::mutex>& lock, const std::string& name);
  /// The name that is due, or null; `wait` is then how long nothing is.
  const std::string* find_due(Duration& wait);
  Result<AcmeStep> attempt(const AcmeTools& tools, const std::string& name, Name& state) const;
  void wait_until(Instant until);
  bool is_ending();

  const net::UniqueFd end_fd_;  // readable once it is to end
  net::Resolver& resolver_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  AcmeOptions options_;
  std::shared_ptr<Certificates> certificates_;
  std::shared_ptr<tls::Challenges> challenges_;
  Names names_;
  std::uint64_t obtained_ = 0;
  std::uint64_t failed_ = 0;
  bool started_ = false;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace rpx::proxy
