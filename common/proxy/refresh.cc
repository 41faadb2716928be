#include "proxy/refresh.h"

#include <sys/socket.h>
#include <unistd.h>

#include "http/h1_write.h"
#include "http/hop_by_hop.h"
#include "proxy/fill.h"

namespace rpx::proxy {
namespace {

// The request as a client would send it: without what is about its connection or its own copy.
std::string text_of(const http::RequestHead& request) {
  http::Headers fields;
  http::copy_end_to_end(request.headers, fields);
  for (const std::string_view name :
       {"If-None-Match", "If-Modified-Since", "If-Range", "Range", "Cache-Control", "Pragma", "Expect", "Trailer"})
    fields.remove(name);
  std::string text;
  http::write_request_head(text, "GET", request.raw_target, {}, fields);
  return text;
}

// All that the client's exchange knew and the refresh needs when that exchange is over.
struct Job {
  Worker& worker;
  std::shared_ptr<const LiveSite> live;
  std::shared_ptr<const ListenerFacts> listener;
  const Route& route;  // of `live`
  IpAddress peer;
  http::ClientFacts client;
  std::string host;
  std::string text;
  cache::EntryPtr stored;
};

// A Busy that goes back to its worker however the task ends.
class Borrowed {
 public:
  explicit Borrowed(Worker& worker) : worker_(worker), busy_(worker.borrow()) {}
  ~Borrowed() {
    busy_->reset();
    worker_.give_back(std::move(busy_));
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  Busy& operator*() noexcept { return *busy_; }

 private:
  Worker& worker_;
  std::unique_ptr<Busy> busy_;
};

rt::Task<void> validate(Visit& visit, const cache::Entry& stored, Lead& lead) {
  const Asked asked = co_await ask_origin(visit, &stored, true);
  if (!asked.status) co_return;
  if (asked.confirmed) {
    take_update(visit, stored, asked.at);
    lead.end(cache::Flight::End::kStored);
    co_return;
  }
  // A failure does not take the place of what is good for a while yet.
  if (visit.busy.call.head().status >= 500) co_return;
  Fill fill(visit, lead);
  if (!fill.begin(asked.at)) {
    visit.store().invalidate(visit.key);
    co_return;
  }
  co_await fill.finish(visit.route.options->timeout.idle);
  visit.busy.fill = nullptr;
}

rt::Task<void> run_refresh(Job job, Lead lead) {
  // Forwarding watches its client's connection: this one has nobody at its other end who could go away.
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) co_return;
  net::UniqueFd near(ends[0]);
  const net::UniqueFd far(ends[1]);
  if (write(far.get(), job.text.data(), job.text.size()) != static_cast<ssize_t>(job.text.size())) co_return;
  ClientConnection connection(job.worker, {std::move(near), job.peer, 0, job.listener});
  Borrowed borrowed(job.worker);
  Busy& busy = *borrowed;
  busy.live = job.live;
  busy.h1.attach(connection.stream(), job.live->site->limits());
  const auto head = busy.h1.try_read_head();
  if (!head || *head != http::H1Exchange::Head::kComplete) co_return;
  busy.trail = {};
  busy.has_replay = false;
  busy.trail.client = job.client;
  busy.trail.client.scheme = job.client.scheme == "https" ? "https" : "http";
  busy.trail.client.host = busy.exchange.arena().copy(job.host);
  busy.trail.route = &job.route;
  char* id = busy.exchange.arena().allocate(32);
  job.worker.make_request_id(id);
  busy.trail.request_id = {id, 32};
  Visit visit = make_visit(connection, busy, job.route);
  co_await validate(visit, *job.stored, lead);
}

}  // namespace

void start_refresh(const Visit& visit, const cache::EntryPtr& stored) {
  std::shared_ptr<cache::Flight> other;
  Lead lead(visit.store(), visit.store().lead(visit.key, other));
  if (!lead) return;
  Job job{visit.connection.worker,
          visit.busy.live,
          visit.connection.listener,
          visit.route,
          visit.connection.peer,
          visit.busy.trail.client,
          std::string(visit.busy.trail.client.host),
          text_of(visit.busy.exchange.request()),
          stored};
  visit.connection.worker.run_beside(run_refresh(std::move(job), std::move(lead)));
}

}  // namespace rpx::proxy
