// What a worker tells about its live connections; beside worker.cc, which does the work.
#include <algorithm>
#include <iterator>

#include "proxy/connection.h"
#include "proxy/site.h"
#include "proxy/tcp_connection.h"
#include "proxy/worker.h"

namespace rpx::proxy {
namespace {

std::string_view name_of(Phase phase) noexcept {
  switch (phase) {
    case Phase::kIdle: return "idle";
    case Phase::kReading: return "reading";
    case Phase::kWaiting: return "waiting";
    case Phase::kSending: return "sending";
    case Phase::kTunnel: return "tunnel";
  }
  return "idle";
}

}  // namespace

std::vector<ConnectionView> Worker::connection_views() const {
  std::vector<ConnectionView> out;
  for (const ClientConnection* connection = first_; connection; connection = connection->next) {
    ConnectionView view;
    view.id = connection->id;
    view.worker = number_;
    const std::string ip = connection->peer.to_string();
    view.client = connection->listener->is_unix ? "unix"
                  : connection->peer.is_v4()    ? ip + ":" + std::to_string(connection->port)
                                                : "[" + ip + "]:" + std::to_string(connection->port);
    view.listener = connection->listener->options.name;
    view.age_s = std::chrono::duration<double>(loop_.now() - connection->accepted).count();
    view.requests = connection->requests;
    view.state = name_of(connection->busy ? connection->busy->trail.phase : Phase::kIdle);
    if (const Passage* passage = connection->passage) {
      view.state = name_of(passage->phase);
      view.target = passage->name;
      if (passage->server) view.server = passage->server->url();
      view.exchange_s = std::chrono::duration<double>(loop_.now() - passage->begun).count();
    }
    if (connection->busy && connection->busy->trail.phase > Phase::kReading) {
      const Trail& trail = connection->busy->trail;
      const http::RequestHead& request = connection->busy->exchange.request();
      view.method = request.method_name;
      view.target = request.raw_target;
      if (trail.route) view.route = trail.route->options->name;
      if (trail.server) view.server = trail.server->url();
      view.exchange_s = std::chrono::duration<double>(loop_.now() - trail.begun).count();
    }
    out.push_back(std::move(view));
  }
  return out;
}

std::vector<ConnectionView> collect_connections(const std::vector<std::unique_ptr<Worker>>& workers, std::size_t limit,
                                                Instant until) {
  std::vector<std::future<std::vector<ConnectionView>>> answers;
  for (const auto& worker : workers) {
    // Held by both sides: a worker may answer after we have stopped waiting, or never.
    auto answer = std::make_shared<std::promise<std::vector<ConnectionView>>>();
    answers.push_back(answer->get_future());
    worker->loop().post([answer, of = worker.get()] { answer->set_value(of->connection_views()); });
  }
  std::vector<ConnectionView> out;
  for (auto& answer : answers) {
    if (answer.wait_until(until) != std::future_status::ready) continue;
    std::ranges::move(answer.get(), std::back_inserter(out));
  }
  std::ranges::sort(out, std::ranges::greater{}, &ConnectionView::exchange_s);
  if (out.size() > limit) out.resize(limit);
  return out;
}

}  // namespace rpx::proxy
