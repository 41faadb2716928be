// The servers of a running proxy: how they come and go, are taken out and brought back, and what of that outlives the
// process; beside server.cc, which does the rest.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <future>

#include "base/log.h"
#include "base/result.h"
#include "policy/blocklist_file.h"
#include "proxy/server_impl.h"

namespace rpx::proxy {
namespace {

// What is behind the name of the state file.
constexpr const char* kSessions = ".sessions";
// As much of what was learned is lost when the process is killed.
constexpr Duration kKeepEvery = std::chrono::seconds(5);

}  // namespace

// Who is told that this is done may ask any worker next, and must find the new site there.
void ServerImpl::take_up(std::shared_ptr<const Site> site) {
  site_ = std::move(site);
  checks_.configure(site_->checked_servers());
  watcher_.watch(site_->watched());
  acme_.configure(site_->options().acme, site_->certificates(), site_->challenges());
  stapler_.configure(site_->certificates());
  std::vector<std::future<void>> in_use;
  for (const auto& worker : workers_) in_use.push_back(worker->set_site(site_, access_writer_));
  const auto until = std::chrono::steady_clock::now() + kAnswerTime;
  for (const auto& done : in_use) done.wait_until(until);
}

Result<Membership> ServerImpl::members_of(SiteOptions options) {
  resolver_.configure(options.resolver);
  auto configured = std::make_shared<const SiteOptions>(std::move(options));
  RPX_TRY(Membership members, Membership::follow(std::move(configured), members_, resolver_));
  if (members.follows()) resolver_.wait_for_first_answers(kFirstAnswers);
  members.look();
  return members;
}

Status ServerImpl::use_members(Membership members) {
  RPX_TRY(std::shared_ptr<const Site> site, Site::build(members.expanded(), site_.get(), resolver_));
  members_ = std::move(members);
  take_up(std::move(site));
  return {};
}

void ServerImpl::look_at_members() {
  const std::scoped_lock lock(mutex_);
  if (!members_.look()) return;
  if (const Status used = use_members(members_); !used)
    log_event(LogLevel::kError, "the servers stay as they were", {{"reason", used.error().detail}});
  else
    log_event(LogLevel::kNotice, "servers have changed", {{"now", site_->describe_servers()}});
}

Status ServerImpl::change_server(const ServerChange& change) {
  const std::scoped_lock lock(mutex_);
  RPX_TRY_VOID(site_->change_server(change, std::chrono::steady_clock::now()));
  save_state();
  return {};
}

Status ServerImpl::add_server(const ServerAddition& addition) {
  const std::scoped_lock lock(mutex_);
  Membership members = members_;
  RPX_TRY_VOID(members.add(addition));
  RPX_TRY_VOID(use_members(std::move(members)));
  save_state();
  return {};
}

Status ServerImpl::remove_server(const ServerRemoval& removal) {
  const std::scoped_lock lock(mutex_);
  RPX_TRY_VOID(site_->may_lose(removal.upstream, removal.server, removal.force));
  Membership members = members_;
  RPX_TRY_VOID(members.remove(removal));
  RPX_TRY_VOID(use_members(std::move(members)));
  save_state();
  return {};
}

std::string ServerImpl::state_file() const {
  const ServeOptions& serve = members_.configured()->serve;
  if (serve.state == "off") return {};
  if (serve.state != "auto") return serve.state;
  return serve.control.empty() ? std::string() : serve.control + ".state";
}

// What the last process left. Nothing of it keeps this one from starting.
RunState ServerImpl::restore_state() {
  const std::string path = state_file();
  if (path.empty()) return {};
  const auto text = policy::read_blocklist_file(path);
  if (!text) {
    log_event(LogLevel::kWarning, "what was changed of servers before is not known", {{"reason", text.error().detail}});
    return {};
  }
  std::vector<std::string> problems;
  RunState state = parse_run_state(*text, problems);
  for (const std::string& problem : problems)
    log_event(LogLevel::kWarning, "a line of the state of servers is left out",
              {{"line", fmt::format("{}:{}", path, problem)}});
  if (!state.empty()) log_event(LogLevel::kNotice, "servers are as they were left", {{"state", path}});
  members_.restore(state);
  return state;
}

void ServerImpl::save_state() {
  const std::string path = state_file();
  if (path.empty()) return;
  RunState state = site_->run_state(std::chrono::steady_clock::now(), std::chrono::system_clock::now());
  state.added = members_.added();
  state.removed = members_.removed();
  if (state.empty()) {
    ::unlink(path.c_str());
    return;
  }
  if (const Status written = policy::write_blocklist_file(path, format_run_state(state)); !written)
    log_event(LogLevel::kWarning, "what was changed of servers will not outlive the process",
              {{"reason", written.error().detail}});
}

// What was learned of sessions, beside the state of servers: a file of its own, as there may be many.
void ServerImpl::restore_sessions() {
  const std::string path = state_file();
  if (path.empty() || !site_->has_sessions()) return;
  const auto text = policy::read_blocklist_file(path + kSessions);
  if (!text) {
    log_event(LogLevel::kWarning, "which server has which session is not known", {{"reason", text.error().detail}});
    return;
  }
  const Instant now = std::chrono::steady_clock::now();
  const WallTime wall = std::chrono::system_clock::now();
  for (const Upstream& upstream : site_->upstreams())
    if (upstream.sticky && upstream.sticky->table)
      upstream::restore_sessions(*text, upstream.options->name, *upstream.sticky->table, now, wall);
}

void ServerImpl::keep_sessions(bool last) {
  std::shared_ptr<const Site> site;
  std::string path;
  const Instant now = std::chrono::steady_clock::now();
  {
    const std::scoped_lock lock(mutex_);
    site = site_;
    path = state_file();
    if (!last && now - sessions_at_ < kKeepEvery) return;
    sessions_at_ = now;
  }
  if (path.empty() || !site || !site->has_sessions()) return;
  std::string text;
  std::uint64_t version = 0;
  for (const Upstream& upstream : site->upstreams())
    if (upstream.sticky && upstream.sticky->table) version += upstream.sticky->table->version();
  // Only this function, of one thread at a time, minds what is kept.
  if (!last && version == sessions_kept_) return;
  for (const Upstream& upstream : site->upstreams())
    if (upstream.sticky && upstream.sticky->table && upstream.options->name.find(' ') == std::string::npos)
      text += upstream::format_sessions(upstream.options->name, upstream.sticky->table->sessions(now), now,
                                        std::chrono::system_clock::now());
  if (const Status written = policy::write_blocklist_file(path + kSessions, text); !written)
    log_event(LogLevel::kWarning, "which server has which session will not outlive the process",
              {{"reason", written.error().detail}});
  sessions_kept_ = version;
}

}  // namespace rpx::proxy
