#include "proxy/mirror.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "net/buffer.h"
#include "proxy/sticky.h"
#include "proxy/tcp_connection.h"
#include "rt/child.h"

namespace rpx::proxy {

using http::FieldId;
using http::Framing;

namespace {

// More of a reply than this is not read to keep its connection.
constexpr std::size_t kMostReply = 1024 * 1024;
constexpr std::size_t kReadAway = 64 * 1024;

// A place among the copies that may be under way at once.
class Underway {
 public:
  explicit Underway(std::shared_ptr<upstream::Pool> pool) noexcept : pool_(std::move(pool)) { ++pool_->copies(); }
  ~Underway() { --pool_->copies(); }
  Underway(const Underway&) = delete;
  Underway& operator=(const Underway&) = delete;
  upstream::Pool& pool() const noexcept { return *pool_; }

 private:
  std::shared_ptr<upstream::Pool> pool_;
};

}  // namespace

// All that the copy needs when its request is long over.
struct MirrorCopy::Job {
  Job(Worker& owner, std::shared_ptr<const LiveSite> site, const Upstream& to, std::shared_ptr<upstream::Pool> pool)
      : worker(owner), live(std::move(site)), upstream(to), underway(std::move(pool)) {}

  Worker& worker;
  std::shared_ptr<const LiveSite> live;
  const Upstream& upstream;  // of `live`
  Underway underway;
  Duration timeout{};
  std::size_t most = 0;
  std::uint64_t key = 0;
  Arena arena;
  http::Headers fields;
  http::RequestLine line;
  http::Method method = http::Method::kGet;
  bool has_body = false;
  bool takes_trailers = false;
  bool named_by_server = false;  // Host is that of whichever server gets it
  std::string preface;
  std::string body;
};

namespace {

void set_field(http::Headers& fields, FieldId id, std::string_view name, std::string_view value) {
  fields.remove(id);
  fields.add(id, name, value);
}

http::BodySink& begin_copy(MirrorCopy::Job& job, http::ServerCall& call, upstream::Lease& lease) {
  const http::Limits& limits = job.live->site->limits();
  const Framing framing = job.has_body ? Framing::kLength : Framing::kNone;
  http::H2Slot* slot = lease.slot();
  if (slot && job.takes_trailers) set_field(job.fields, FieldId::kTe, "te", "trailers");
  if (!slot) return call.begin(lease.stream(), limits, job.line, job.fields, framing);
  return call.begin(*slot, limits, job.line, lease.server().tls() ? "https" : "http", job.fields, framing);
}

rt::Task<Status> read_away(http::ServerCall& call, Duration patience) {
  http::BodySource& body = call.body();
  for (std::size_t pieces = 1;; ++pieces) {
    RPX_CO_TRY(const http::BodyPiece piece, body.try_read(kReadAway));
    if (piece.end) co_return Status{};
    if (body.received() > kMostReply)
      co_return upstream_error(ErrorKind::kResponseTooLarge, "more than is read of a reply that nobody wants");
    if (piece.blocked) RPX_CO_TRY_VOID(co_await body.wait(patience));
    if (pieces % 8 == 0) co_await body.loop().yield();
  }
}

rt::Task<Status> exchange_over(MirrorCopy::Job& job, http::ServerCall& call, upstream::Lease& lease) {
  http::BodySink& sink = begin_copy(job, call, lease);
  Result<bool> sent = job.has_body ? sink.try_write(job.body, true) : sink.try_flush();
  if (!sent) co_return std::unexpected(std::move(sent).error());
  if (!*sent) RPX_CO_TRY_VOID(co_await sink.drain(job.timeout));
  do {
    RPX_CO_TRY_VOID(co_await call.read_head(job.method, Instant::max()));
  } while (call.head().status < 200 && call.head().status != 101);
  if (call.head().status == 101)
    co_return upstream_error(ErrorKind::kUpgradeFailed, "the server switched protocols unasked");
  co_return Status{};
}

// Chooses a server and asks it; `status` gets that of the reply. The connection is kept where it can be.
rt::Task<Status> send_copy(MirrorCopy::Job& job) {
  upstream::Pool& pool = job.underway.pool();
  rt::Loop& loop = job.worker.loop();
  upstream::Member* member = pool.pick({}, job.key);
  if (!member) co_return upstream_error(ErrorKind::kNoServer, "no server is left to try");
  const std::shared_ptr<upstream::Server> server = upstream::Pool::server_of(*member);
  upstream::Place place;
  if (server->is_limited()) {
    if (!server->enter()) co_return upstream_error(ErrorKind::kPoolFull, "the server has its max_connections");
    place = upstream::Place(server, job.upstream.queue);
  }
  if (job.named_by_server) set_field(job.fields, FieldId::kHost, "Host", server->target().authority);
  const Instant begun = loop.now();
  http::ServerCall call(loop);
  upstream::Lease lease = pool.reuse(*member, true);
  if (!lease) {
    RPX_CO_TRY(lease, co_await pool.open(*member, job.preface));
  }
  server->counters().requests.fetch_add(1, std::memory_order_relaxed);
  Status asked = co_await exchange_over(job, call, lease);
  const std::uint16_t status = asked ? call.head().status : 0;
  pool.learn(*server, loop.now() - begun, status < 200 || status >= 500);
  if (!asked) {
    server->counters().failures.fetch_add(1, std::memory_order_relaxed);
    pool.judge(*server, false, asked.error().detail);
    co_return asked;
  }
  pool.judge(*server, status < 500, fmt::format("status {}", status));
  const Status read = co_await read_away(call, job.timeout);
  if (read && call.reusable(true)) lease.give_back(Duration::zero());
  co_return Status{};
}

rt::Task<void> run_mirror(std::unique_ptr<MirrorCopy::Job> job) {
  rt::Loop& loop = job->worker.loop();
  // The request comes first, and what it is about to send is not to be disturbed.
  co_await loop.yield();
  rt::Child<Status> sending(loop);
  sending.start(send_copy(*job));
  const bool ended = co_await sending.wait(deadline_after(loop.now(), job->timeout));
  if (ended && sending.result())
    job->worker.counts().mirrored.add();
  else
    job->worker.counts().mirror_failed.add();
}

void send_off(std::unique_ptr<MirrorCopy::Job> job) {
  Worker& worker = job->worker;
  worker.run_beside(run_mirror(std::move(job)));
}

// What the session cookie of the route's own upstream says is nobody else's business.
void drop_cookie_of(const Ask& ask, http::Headers& fields) {
  if (!ask.upstream.sticky || ask.upstream.sticky->cookie.empty()) return;
  for (http::Field& field : fields.raw())
    if (field.id == FieldId::kCookie)
      field.value = without_cookie(field.value, ask.upstream.sticky->cookie, ask.busy.exchange.arena());
  std::erase_if(fields.raw(),
                [](const http::Field& field) { return field.id == FieldId::kCookie && field.value.empty(); });
}

void fill_job(MirrorCopy::Job& job, const Ask& ask) {
  Busy& busy = ask.busy;
  const http::RequestHead& request = busy.exchange.request();
  job.key = balance_key(ask);
  job.method = request.method;
  job.line = {job.arena.copy(request.method_name), job.arena.copy(ask.path), job.arena.copy(ask.query)};
  job.has_body = request.framing != Framing::kNone;
  job.takes_trailers = http::list_contains(request.headers.value(FieldId::kTe), "trailers");
  job.named_by_server = ask.upstream.host == HostMode::kServer || request.target.authority.empty();
  if (const std::uint32_t version = ask.upstream.options->proxy_protocol; version != 0)
    job.preface = preface_for(ask.connection, busy.trail.client.client, version);
}

}  // namespace

MirrorCopy::MirrorCopy(std::unique_ptr<MirrorCopy::Job> job) noexcept : job_(std::move(job)) {}

MirrorCopy::~MirrorCopy() {
  if (job_) job_->worker.counts().mirror_dropped.add();
}

http::BodySource& MirrorCopy::over(http::BodySource& body) noexcept {
  source_ = &body;
  return *this;
}

Result<http::BodyPiece> MirrorCopy::try_read(std::size_t most) {
  Result<http::BodyPiece> piece = source_->try_read(most);
  if (!job_ || !piece || piece->blocked) return piece;
  if (job_->body.size() + piece->data.size() > job_->most) {
    job_->worker.counts().mirror_dropped.add();
    job_.reset();
    return piece;
  }
  job_->body.append(piece->data);
  if (!piece->end) return piece;
  job_->fields.add(FieldId::kContentLength, "Content-Length", job_->arena.copy(std::to_string(job_->body.size())));
  send_off(std::move(job_));
  return piece;
}

void start_mirror(const Ask& ask) {
  const Route& route = ask.route;
  Busy& busy = ask.busy;
  Worker& worker = ask.connection.worker;
  const MirrorOptions& options = *route.options->mirror;
  const http::RequestHead& request = busy.exchange.request();
  if (request.wants_upgrade) return;
  if (worker.chance(Duration(100)) >= Duration(options.percent)) return;
  const auto index = static_cast<std::size_t>(route.mirror);
  const Upstream& upstream = busy.live->site->upstreams()[index];
  const std::shared_ptr<upstream::Pool>& pool = busy.live->pools[index];
  const bool too_long = request.framing == Framing::kLength && request.content_length > options.body;
  if (upstream.servers.empty() || pool->copies() >= options.max_pending || too_long) {
    worker.counts().mirror_dropped.add();
    return;
  }
  auto job = std::make_unique<MirrorCopy::Job>(worker, busy.live, upstream, pool);
  job->timeout = options.timeout;
  job->most = options.body;
  const Ask copy{ask.connection, busy, route, upstream, *pool, ask.path, ask.query};
  fill_job(*job, copy);
  // As a server of the mirror would get it; views into this request, and so copied.
  build_head(copy, *upstream.servers.front(), false);
  drop_cookie_of(ask, busy.out);
  for (const FieldId id : {FieldId::kContentLength, FieldId::kTransferEncoding, FieldId::kExpect}) busy.out.remove(id);
  for (const http::Field& field : busy.out)
    job->fields.add(field.id, job->arena.copy(field.name), job->arena.copy(field.value));
  busy.out.clear();
  if (job->has_body)
    busy.mirror = std::make_shared<MirrorCopy>(std::move(job));
  else
    send_off(std::move(job));
}

http::BodySource& request_body(Busy& busy, std::uint64_t most) {
  http::BodySource& body = busy.exchange.body(most);
  return busy.mirror ? busy.mirror->over(body) : body;
}

}  // namespace rpx::proxy
