#include "proxy/server_impl.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <future>

#include "base/log.h"
#include "base/result.h"
#include "proxy/error_log.h"

namespace rpx::proxy {
namespace {

std::uint32_t worker_count(const ServeOptions& serve) {
  return serve.workers != 0 ? serve.workers : std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

Result<BoundListener> ServerImpl::bind(const ListenOptions& options) const {
  BoundListener out;
  RPX_TRY(out.sockets, net::listen_on(options.address, workers_.size()));
  if (options.is_tcp()) out.sockets.wait_for_bytes(false);
  auto facts = std::make_shared<ListenerFacts>();
  facts->options = options;
  facts->bound = out.sockets.bound.to_string();
  facts->is_unix = out.sockets.bound.is_unix();
  out.facts = std::move(facts);
  return out;
}

// Each worker has a socket of its own, or all share one. Of a process before with more workers there are more sockets,
// and none may be left without somebody who accepts on it.
void ServerImpl::for_each_socket(const BoundListener& listener,
                                 const std::function<void(Worker& worker, int fd)>& call) const {
  const auto& sockets = listener.sockets.sockets;
  for (std::size_t i = 0; i < std::max(workers_.size(), sockets.size()); ++i)
    call(*workers_[i % workers_.size()], sockets[i % sockets.size()].get());
}

void ServerImpl::serve_on(const BoundListener& listener) {
  for_each_socket(listener, [&](Worker& worker, int fd) { worker.add_listener(fd, listener.facts); });
}

void ServerImpl::close_listener(BoundListener& listener) {
  for_each_socket(listener, [](Worker& worker, int fd) { worker.remove_listener(fd); });
}

Result<std::shared_ptr<LogWriter>> ServerImpl::access_writer_for(const LogOptions& log) {
  if (log.access == "off") return std::shared_ptr<LogWriter>();
  if (access_writer_ && log.access == access_target_) return access_writer_;
  RPX_TRY(std::unique_ptr<LogWriter> writer, LogWriter::open(log.access));
  return std::shared_ptr<LogWriter>(std::move(writer));
}

Status ServerImpl::begin(SiteOptions options) {
  RPX_TRY(members_, members_of(std::move(options)));
  const RunState before = restore_state();
  RPX_TRY(site_, Site::build(members_.expanded(), nullptr, resolver_));
  RPX_TRY(access_writer_, access_writer_for(site_->options().log));
  access_target_ = site_->options().log.access;
  for (std::uint32_t i = 0; i < worker_count(site_->options().serve); ++i)
    workers_.push_back(std::make_unique<Worker>(i, limits_, offload_));
  RPX_TRY_VOID(blocklist_.configure(site_->options().blocklist));
  for (const ListenOptions& listen : site_->options().listen) {
    RPX_TRY(BoundListener listener, bind(listen));
    listeners_.push_back(std::move(listener));
  }
  site_->use_disks(nullptr, kDiskTime);
  resolver_.wait_for_first_answers(kFirstAnswers);
  site_->apply(before, std::chrono::steady_clock::now(), std::chrono::system_clock::now());
  restore_sessions();
  checks_.configure(site_->checked_servers());
  for (const auto& worker : workers_) {
    worker->set_site(site_, access_writer_);
    worker->on_ban([this](policy::Ban ban) { blocklist_.ban(std::move(ban)); });
    worker->start();
  }
  started_workers_ = true;
  blocklist_.start(!site_->bans().empty());
  watcher_.watch(site_->watched());
  acme_.configure(site_->options().acme, site_->certificates(), site_->challenges());
  stapler_.configure(site_->certificates());
  if (members_.follows()) member_ticker_.start();
  if (site_->has_sessions()) session_ticker_.start();
  for (const BoundListener& listener : listeners_) serve_on(listener);
  return {};
}

// Listeners of `wanted` that are not bound yet, bound. Nothing else changes.
Result<std::vector<BoundListener>> ServerImpl::bind_new(const std::vector<ListenOptions>& wanted) {
  std::vector<BoundListener> added;
  for (const ListenOptions& listen : wanted) {
    const bool known = std::ranges::any_of(
        listeners_, [&](const BoundListener& one) { return one.facts->options.address == listen.address; });
    if (known) continue;
    RPX_TRY(BoundListener listener, bind(listen));
    added.push_back(std::move(listener));
  }
  return added;
}

void ServerImpl::swap_listeners(const std::vector<ListenOptions>& wanted, std::vector<BoundListener> added) {
  std::vector<BoundListener> next;
  for (BoundListener& listener : listeners_) {
    auto same = std::ranges::find_if(wanted, [&now = listener.facts->options](const ListenOptions& one) {
      return one.address == now.address && one.name == now.name;
    });
    if (same == wanted.end())
      same = std::ranges::find(wanted, listener.facts->options.address, &ListenOptions::address);
    if (same == wanted.end()) {
      close_listener(listener);
      continue;
    }
    auto facts = std::make_shared<ListenerFacts>(*listener.facts);
    facts->options = *same;
    if (facts->options.is_tcp() != listener.facts->options.is_tcp())
      listener.sockets.wait_for_bytes(!facts->options.is_tcp());
    listener.facts = std::move(facts);
    for_each_socket(listener, [&](Worker& worker, int fd) { worker.update_listener(fd, listener.facts); });
    next.push_back(std::move(listener));
  }
  for (BoundListener& listener : added) {
    serve_on(listener);
    next.push_back(std::move(listener));
  }
  listeners_ = std::move(next);
}

Result<std::vector<std::string>> ServerImpl::reload(SiteOptions options) {
  {
    const std::scoped_lock lock(stop_mutex_);
    if (stopping_) return self_error(ErrorKind::kDraining, "the proxy is stopping");
  }
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> later;
  const ServeOptions& now = site_->options().serve;
  if (worker_count(options.serve) != worker_count(now))
    later.emplace_back("serve.workers takes effect after a restart");
  if (options.serve.control != now.control) later.emplace_back("serve.control takes effect after a restart");
  if (options.admin.address != site_->options().admin.address)
    later.emplace_back("admin.address takes effect after a restart");
  if (options.serve.user != now.user) later.emplace_back("serve.user takes effect after a restart");
  if (options.serve.sandbox != now.sandbox) later.emplace_back("serve.sandbox takes effect after a restart");
  RPX_TRY(Membership members, members_of(std::move(options)));
  RPX_TRY(std::shared_ptr<const Site> site, Site::build(members.expanded(), site_.get(), resolver_));
  RPX_TRY(std::shared_ptr<LogWriter> writer, access_writer_for(site->options().log));
  RPX_TRY(std::vector<BoundListener> added, bind_new(site->options().listen));
  RPX_TRY_VOID(blocklist_.configure(site->options().blocklist));
  blocklist_.start(!site->bans().empty());
  // From here on nothing fails.
  site->use_disks(site_.get(), Duration::zero());
  members_ = std::move(members);
  access_writer_ = std::move(writer);
  access_target_ = site->options().log.access;
  take_up(std::move(site));
  if (members_.follows()) member_ticker_.start();
  if (site_->has_sessions()) session_ticker_.start();
  swap_listeners(site_->options().listen, std::move(added));
  ++generation_;
  return later;
}

void ServerImpl::stop(Duration grace) {
  const std::scoped_lock lock(stop_mutex_);
  const Instant now = std::chrono::steady_clock::now();
  stop_at_ = std::min(stop_at_, grace == kForever ? Instant::max() : now + grace);
  stopped_.notify_all();
  if (std::exchange(stopping_, true)) return;
  // Before this call returns: a reply that comes right after it must not promise another request.
  for (const auto& worker : workers_) worker->announce_drain();
  stopper_ = std::thread([this] { run_down(); });
}

// Before the workers run this only queues what they begin with.
void ServerImpl::publish_blocks(const BlocklistKeeper::Table& table) {
  std::vector<std::future<void>> in_use;
  for (const auto& worker : workers_) in_use.push_back(worker->set_blocks(table));
  if (!started_workers_) return;
  const auto until = std::chrono::steady_clock::now() + kAnswerTime;
  for (const auto& done : in_use) done.wait_until(until);
}

// Closes the listeners, lets the workers empty themselves until stop_at_, and ends them.
void ServerImpl::run_down() {
  {
    const std::scoped_lock lock(mutex_);
    // New clients are refused at once rather than left waiting for a server that will not come.
    for (BoundListener& listener : listeners_)
      if (started_workers_) close_listener(listener);
    listeners_.clear();
  }
  std::unique_lock lock(stop_mutex_);
  if (started_workers_) {
    for (const auto& worker : workers_)
      worker->drain([this] {
        const std::scoped_lock empty_lock(stop_mutex_);
        ++empty_workers_;
        stopped_.notify_all();
      });
    // stop() may move the end nearer meanwhile.
    while (empty_workers_ < workers_.size() && std::chrono::steady_clock::now() < stop_at_) {
      if (stop_at_ == Instant::max())
        stopped_.wait(lock);
      else
        stopped_.wait_until(lock, stop_at_);
    }
  }
  lock.unlock();
  blocklist_.stop();
  watcher_.stop();
  acme_.stop();
  stapler_.stop();
  member_ticker_.stop();
  session_ticker_.stop();
  bool whole = true;
  for (const auto& worker : workers_) whole &= worker->stop_and_join();
  if (started_workers_ && !has_successor_.load(std::memory_order_relaxed)) keep_sessions(true);
  lock.lock();
  whole_ = whole;
  over_ = true;
  stopped_.notify_all();
}

Result<std::vector<net::InheritedSockets>> ServerImpl::sockets_for_successor() {
  {
    const std::scoped_lock lock(stop_mutex_);
    if (stopping_) return self_error(ErrorKind::kDraining, "the proxy is stopping");
  }
  keep_sessions(true);
  const std::scoped_lock lock(mutex_);
  std::vector<net::InheritedSockets> out;
  for (const BoundListener& listener : listeners_) {
    net::InheritedSockets& one = out.emplace_back();
    one.address = listener.facts->options.address;
    one.unlink_path = listener.sockets.unlink_path;
    for (const net::UniqueFd& fd : listener.sockets.sockets) {
      net::UniqueFd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
      if (!copy) return self_error(ErrorKind::kIo, errno_text("fcntl", errno));
      one.sockets.push_back(std::move(copy));
    }
  }
  return out;
}

void ServerImpl::leave_to_successor() {
  has_successor_.store(true, std::memory_order_relaxed);
  const std::scoped_lock lock(mutex_);
  for (BoundListener& listener : listeners_) listener.sockets.unlink_path.clear();
}

bool ServerImpl::wait() {
  std::unique_lock lock(stop_mutex_);
  stopped_.wait(lock, [this] { return over_; });
  return whole_;
}

ServerImpl::~ServerImpl() {
  stop(Duration::zero());
  wait();
  stopper_.join();
  if (access_writer_) access_writer_->flush();
}

void ServerImpl::reopen_logs() {
  const std::scoped_lock lock(mutex_);
  if (access_writer_) access_writer_->reopen();
  reopen_error_log();
}

std::shared_ptr<const SiteOptions> ServerImpl::options() {
  const std::scoped_lock lock(mutex_);
  return members_.configured();
}

Result<std::unique_ptr<Server>> Server::start(SiteOptions options) {
  auto server = std::make_unique<ServerImpl>();
  RPX_TRY_VOID(server->begin(std::move(options)));
  return server;
}

}  // namespace rpx::proxy
