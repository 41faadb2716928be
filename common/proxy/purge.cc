#include "proxy/purge.h"

#include <fmt/format.h>

#include "base/log.h"
#include "base/text.h"
#include "cache/disk_store.h"
#include "proxy/admission.h"
#include "proxy/from_disk.h"
#include "proxy/respond.h"
#include "proxy/respond_parts.h"

namespace rpx::proxy {
namespace {

using http::FieldId;

rt::Task<cache::Taken> take(Visit& visit, bool soft) {
  const http::RequestHead& request = visit.busy.exchange.request();
  const std::string& tags = visit.rule.options.tags;
  cache::Taken all;
  bool tagged = false;
  for (const http::Field& field : request.headers) {
    if (tags.empty() || !iequals(field.name, tags)) continue;
    tagged = true;
    for (const std::string_view word : split(field.value, ' ')) {
      if (trim(word).empty()) continue;
      cache::Filter filter;
      filter.tag = trim(word);
      const cache::Taken taken = co_await purge_beside(visit, std::move(filter), soft);
      all.entries += taken.entries;
      all.bytes += taken.bytes;
      all.hits += taken.hits;
    }
  }
  if (tagged) co_return all;
  if (request.target.query.empty() && request.target.path.ends_with('*')) {
    cache::Filter filter;
    filter.prefix = url_at(visit, request.target.path.substr(0, request.target.path.size() - 1), {});
    const cache::Taken taken = co_await purge_beside(visit, std::move(filter), soft);
    co_return taken;
  }
  if (!visit.store().disk()) co_return visit.store().purge_key(visit.key, soft);
  cache::Filter filter;
  filter.url = url_at(visit, request.target.path, request.target.query);
  all = co_await purge_beside(visit, std::move(filter), soft);
  if (soft) co_return all;
  // What has the same key under another URL.
  all.entries += visit.store().invalidate(visit.key);
  co_await settle_disk(visit);
  co_return all;
}

}  // namespace

bool is_purge(const Visit& visit) noexcept {
  return visit.route.purge && visit.busy.exchange.request().method_name == "PURGE";
}

rt::Task<cache::Taken> purge_beside(Visit& visit, cache::Filter filter, bool soft) {
  Worker& worker = visit.connection.worker;
  auto work = [store = visit.rule.store, filter, soft] { return store->purge(filter, soft, false); };
  Result<cache::Taken> taken = co_await worker.offload().run(worker.loop(), work);
  // Too much waits for a thread: it takes effect all the same.
  if (!taken) taken = work();
  co_return *taken;
}

rt::Task<void> serve_purge(Visit& visit) {
  Busy& busy = visit.busy;
  if (auto refusal = refusal_of(visit.connection, busy, *visit.route.purge)) {
    busy.trail.refused = "denied";
    visit.connection.worker.counts().denied.add();
    co_await respond_refusal(visit.connection, busy, &visit.route, std::move(*refusal));
    co_return;
  }
  const std::string_view mode = busy.exchange.request().headers.value("Purge-Mode");
  const bool soft = iequals(mode, "soft");
  if (!mode.empty() && !soft && !iequals(mode, "hard")) {
    co_await respond_refusal(visit.connection, busy, &visit.route, {.status = 400, .fields = {}});
    co_return;
  }
  const cache::Taken taken = co_await take(visit, soft);
  log_event(LogLevel::kNotice, "cache: purged",
            {{"client", busy.trail.client.client.to_string()},
             {"cache", visit.store().name()},
             {"url", visit.busy.exchange.arena().copy(
                         url_at(visit, busy.exchange.request().target.path, busy.exchange.request().target.query))},
             {"entries", std::to_string(taken.entries)}});
  busy.out.clear();
  busy.out.add(FieldId::kContentType, "Content-Type", "application/json");
  busy.out.add(FieldId::kCacheControl, "Cache-Control", "no-store");
  complete_headers(visit.connection, busy, &visit.route, 200);
  const std::string body =
      fmt::format("{{\"entries\":{},\"bytes\":{},\"hits\":{}}}\n", taken.entries, taken.bytes, taken.hits);
  if (!busy.exchange.reader().ended()) busy.exchange.close_after();
  co_await send_whole(busy, 200, body);
}

}  // namespace rpx::proxy
