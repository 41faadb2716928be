#include "control/cache_handlers.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/log.h"
#include "base/result.h"
#include "control/cache_listing.h"
#include "control/paging.h"

namespace rpx::control {

namespace {

using StorePtr = std::shared_ptr<cache::Store>;

std::unexpected<Error> refused(std::string detail) { return client_error(ErrorKind::kBadRequest, std::move(detail)); }

StorePtr store_called(Host& host, const std::string& name) {
  for (const StorePtr& store : host.caches())
    if (store->name() == name) return store;
  return nullptr;
}

Reply no_store(const Request& request) {
  return problem_reply(404, fmt::format("no route uses a cache named \"{}\"", request.parameter));
}

double seconds(Duration span) { return std::chrono::duration<double>(span).count(); }

std::string_view query_of(const Request& request, std::string_view name) {
  for (const auto& [key, value] : request.query)
    if (key == name) return value;
  return {};
}

void write_store(Json& json, cache::Store& store) {
  const cache::StoreCounters& counters = store.counters();
  json.open_object().member("name", store.name());
  json.member("entries", store.entries()).member("bytes", store.bytes()).member("memory", store.capacity());
  json.member("hits", counters.hits.load())
      .member("stale", counters.stale.load())
      .member("revalidated", counters.revalidated.load())
      .member("misses", counters.misses.load())
      .member("bypasses", counters.bypasses.load())
      .member("collapsed", counters.collapsed.load())
      .member("stored", counters.stored.load())
      .member("evicted", counters.evicted.load())
      .member("invalidated", counters.invalidated.load())
      .member("purged", counters.purged.load());
  write_disk(json, store);
  json.close_object();
}

void write_reason(Json& json, std::string_view member, const cache::Reason& reason) {
  json.key(member).open_object().member("says", reason.says).member("rule", reason.section).close_object();
}

std::string_view name_of(cache::Use use) {
  switch (use) {
    case cache::Use::kFresh: return "hit";
    case cache::Use::kStale: return "stale";
    case cache::Use::kRefresh: return "stale while it is revalidated";
    case cache::Use::kValidate: break;
  }
  return "validated with the origin";
}

void write_variant(Json& json, const Listed& listed, WallTime now) {
  const cache::Entry& entry = *listed.entry;
  json.open_object();
  write_facts(json, listed, now);
  const cache::Terms& terms = entry.terms();
  const cache::Decision decision = cache::decide(terms, entry.age(now), {}, entry.outdated());
  json.member("use", name_of(decision.use));
  write_reason(json, "why", decision.why);
  write_reason(json, "freshness", terms.source);
  json.member("no_cache", terms.no_cache)
      .member("must_revalidate", terms.must_revalidate)
      .member("stale_while_revalidate", seconds(terms.stale_while_revalidate))
      .member("stale_if_error", seconds(terms.stale_if_error));
  json.member("answered", format_rfc3339(entry.times().answered)).key("headers").open_array();
  for (const http::Field& field : entry.fields()) json.open_array().value(field.name).value(field.value).close_array();
  json.close_array().close_object();
}

Result<cache::Filter> filter_of(const Request& request) {
  cache::Filter filter;
  filter.prefix = query_of(request, "prefix");
  filter.host = query_of(request, "host");
  filter.tag = query_of(request, "tag");
  const std::string_view state = query_of(request, "state");
  if (!state.empty() && state != "fresh" && state != "stale" && state != "purged")
    return refused("state is fresh, stale or purged");
  return filter;
}

struct Purge {
  cache::Filter filter;
  bool soft = false;
  bool dry = false;
};

Result<bool> truth_of(const Poco::JSON::Object& object, const std::string& member) {
  if (!object.has(member)) return false;
  const auto value = object.get(member);
  if (!value.isBoolean()) return refused(fmt::format("{} is true or false", member));
  return value.convert<bool>();
}

Result<Purge> purge_of(const Poco::JSON::Object& object) {
  constexpr std::array kKnown = {"url", "prefix", "host", "tag", "all", "soft", "dry_run"};
  for (const auto& [name, value] : object)
    if (std::ranges::find(kKnown, name) == kKnown.end())
      return refused(fmt::format("unknown member \"{}\"; this call takes {}", name, fmt::join(kKnown, ", ")));
  Purge out;
  RPX_TRY(const bool all, truth_of(object, "all"));
  RPX_TRY(out.soft, truth_of(object, "soft"));
  RPX_TRY(out.dry, truth_of(object, "dry_run"));
  int given = all ? 1 : 0;
  for (const auto& [name, field] : {std::pair{"url", &out.filter.url}, std::pair{"prefix", &out.filter.prefix},
                                    std::pair{"host", &out.filter.host}, std::pair{"tag", &out.filter.tag}}) {
    if (!object.has(name)) continue;
    const auto value = object.get(name);
    if (!value.isString() || value.extract<std::string>().empty()) return refused(fmt::format("{} is a text", name));
    *field = value.extract<std::string>();
    ++given;
  }
  if (given != 1) return refused("this call needs one of url, prefix, host, tag and all = true");
  return out;
}

Result<Purge> parse_purge(const std::string& body) {
  try {
    Poco::JSON::Parser parser;
    return purge_of(*parser.parse(body).extract<Poco::JSON::Object::Ptr>());
  } catch (const Poco::BadCastException&) {
    return refused("the body is no JSON object");
  } catch (const Poco::Exception& error) {
    return refused("the body is no JSON: " + error.displayText());
  }
}

std::vector<Listed> variants_of(cache::Store& store, std::string_view url) {
  cache::Filter filter;
  filter.url = url;
  return read_cache(store, filter);
}

}  // namespace

Reply answer_caches(Host& host, const Request& request) {
  const auto page = parse_page(request);
  if (!page) return problem_reply(400, page.error().detail);
  return page_reply(*page, host.caches(), [](Json& json, const StorePtr& store) { write_store(json, *store); });
}

Reply answer_cache(Host& host, const Request& request) {
  const StorePtr store = store_called(host, request.parameter);
  if (!store) return no_store(request);
  Json json;
  write_store(json, *store);
  return json_reply(json);
}

Reply answer_cache_entries(Host& host, const Request& request) {
  const auto page = parse_page(request);
  if (!page) return problem_reply(400, page.error().detail);
  const auto filter = filter_of(request);
  if (!filter) return problem_reply(400, filter.error().detail);
  const StorePtr store = store_called(host, request.parameter);
  if (!store) return no_store(request);
  const WallTime now = std::chrono::system_clock::now();
  std::vector<Listed> entries = list_cache(*store, *filter);
  if (const std::string_view state = query_of(request, "state"); !state.empty())
    std::erase_if(entries, [&](const Listed& entry) { return state_of(entry, now) != state; });
  return page_reply(*page, entries, [now](Json& json, const Listed& entry) {
    json.open_object();
    write_facts(json, entry, now);
    json.close_object();
  });
}

Reply answer_cache_entry(Host& host, const Request& request) {
  const std::string_view url = query_of(request, "url");
  if (url.empty()) return problem_reply(400, "this call needs url");
  const StorePtr store = store_called(host, request.parameter);
  if (!store) return no_store(request);
  const WallTime now = std::chrono::system_clock::now();
  Json json;
  json.open_object().member("url", url).key("variants").open_array();
  for (const Listed& entry : variants_of(*store, url)) write_variant(json, entry, now);
  json.close_array().key("refused");
  // The key is the URL unless a template says otherwise: then nothing is known of why.
  const auto refused = store->passes(url, now);
  if (refused)
    json.open_object().member("says", refused->says).member("rule", refused->section).close_object();
  else
    json.null();
  json.close_object();
  return json_reply(json);
}

Reply answer_cache_body(Host& host, const Request& request) {
  const std::string_view url = query_of(request, "url");
  if (url.empty()) return problem_reply(400, "this call needs url");
  const StorePtr store = store_called(host, request.parameter);
  if (!store) return no_store(request);
  auto variants = variants_of(*store, url);
  std::erase_if(variants, [](const Listed& listed) { return listed.entry->piece(); });
  if (variants.empty()) return problem_reply(404, fmt::format("{} is not stored", url));
  Reply reply;
  reply.content_type = "application/octet-stream";
  reply.body = variants.front().entry->body();
  return reply;
}

Reply answer_cache_purge(Host& host, const Request& request) {
  const auto purge = parse_purge(request.body);
  const StorePtr store = store_called(host, request.parameter);
  if (!store) return no_store(request);
  if (!purge) return problem_reply(400, purge.error().detail);
  const cache::Taken taken = store->purge(purge->filter, purge->soft, purge->dry);
  if (!purge->dry)
    log_event(LogLevel::kNotice, "cache: purged",
              {{"uid", request.asker.who()},
               {"pid", std::to_string(request.asker.pid)},
               {"cache", store->name()},
               {"entries", std::to_string(taken.entries)}});
  Json json;
  json.open_object().member("entries", taken.entries).member("bytes", taken.bytes).member("hits", taken.hits);
  json.close_object();
  return json_reply(json);
}

}  // namespace rpx::control
