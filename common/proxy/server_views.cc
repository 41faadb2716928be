// What the running proxy tells of itself; beside server.cc, which does the rest.
#include <algorithm>
#include <future>

#include "base/result.h"
#include "proxy/certificates.h"
#include "proxy/metrics.h"
#include "proxy/server_impl.h"

namespace rpx::proxy {

std::vector<const WorkerCounters*> ServerImpl::all_counters() const {
  std::vector<const WorkerCounters*> out;
  for (const auto& worker : workers_) out.push_back(&worker->counters());
  return out;
}

StatusView ServerImpl::status() {
  StatusView view;
  view.started = started_;
  view.workers = static_cast<std::uint32_t>(workers_.size());
  view.counters = sum_counters(all_counters());
  view.counters.half_open = limits_.half_open();
  for (const auto& worker : workers_) {
    view.connections += worker->counters().connections.read();
    view.exchanges += worker->counters().exchanges.read();
    view.counters.lag_s = std::max(view.counters.lag_s, std::chrono::duration<double>(worker->lag()).count());
  }
  {
    const std::scoped_lock lock(stop_mutex_);
    view.draining = stopping_;
  }
  const std::scoped_lock lock(mutex_);
  view.generation = generation_;
  if (const auto tls = site_->tls()) view.certificates_unusable = tls->unusable();
  for (const Upstream& upstream : site_->upstreams())
    for (const auto& server : upstream.servers)
      view.counters.upstream_connects += server->counters().connects.load(std::memory_order_relaxed);
  for (const BoundListener& listener : listeners_) {
    const ListenerCounters& counts = *listener.facts->counters;
    view.listeners.push_back({listener.facts->options.name, listener.facts->bound, listener.facts->options.tls,
                              listener.facts->options.is_tcp(), counts.open.load(), counts.accepted.load(),
                              counts.refused.load(), counts.bytes_received.load(), counts.bytes_sent.load()});
  }
  return view;
}

bool ServerImpl::settled() {
  return std::ranges::all_of(site_now()->checked_servers(), [](const upstream::CheckedServer& one) {
    const upstream::HealthFacts facts = one.server->state().facts();
    return facts.checks != 0 && facts.settled;
  });
}

std::vector<UpstreamView> ServerImpl::upstreams() { return view_upstreams(*site_now(), workers_.size()); }

Result<HistoryView> ServerImpl::server_history(std::string_view upstream, std::string_view server) {
  const std::scoped_lock lock(mutex_);
  RPX_TRY(const auto found, site_->member_of(upstream, server));
  return HistoryView{found->history().moments(), found->history().checks()};
}

std::vector<ConnectionView> ServerImpl::connections(std::size_t limit) {
  return collect_connections(workers_, limit, std::chrono::steady_clock::now() + kAnswerTime);
}

std::string ServerImpl::metrics() {
  const StatusView view = status();
  std::uint64_t dropped = 0;
  {
    const std::scoped_lock lock(mutex_);
    if (access_writer_) dropped = access_writer_->dropped();
  }
  return write_metrics(view, all_counters(), upstreams(), dropped) + write_cache_metrics(caches()) +
         write_fault_metrics(site_now()->faults()) + write_certificate_metrics(certificates().get()) +
         write_acme_metrics(acme());
}

}  // namespace rpx::proxy
