#include "control/warm_handler.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/result.h"
#include "control/cache_listing.h"
#include "control/inside_fetch.h"

namespace rpx::control {
namespace {

// A call holds a control thread for as long as its fetches take.
constexpr std::size_t kMostUrls = 100;

Result<std::vector<Fetch>> fetches_of(const std::string& body) {
  try {
    Poco::JSON::Parser parser;
    const auto object = parser.parse(body).extract<Poco::JSON::Object::Ptr>();
    for (const auto& [name, value] : *object)
      if (name != "urls")
        return client_error(ErrorKind::kBadRequest, fmt::format("unknown member \"{}\"; this call takes urls", name));
    const auto urls = object->getArray("urls");
    if (urls.isNull() || urls->empty() || urls->size() > kMostUrls)
      return client_error(ErrorKind::kBadRequest, fmt::format("urls is a list of 1 to {} URLs", kMostUrls));
    std::vector<Fetch> out;
    for (std::size_t i = 0; i < urls->size(); ++i) {
      RPX_TRY(Fetch one, fetch_of(urls->getElement<std::string>(static_cast<unsigned>(i))));
      out.push_back(std::move(one));
    }
    return out;
  } catch (const Poco::BadCastException&) {
    return client_error(ErrorKind::kBadRequest, "the body is no JSON object with a list of texts");
  } catch (const Poco::Exception& error) {
    return client_error(ErrorKind::kBadRequest, "the body is no JSON: " + error.displayText());
  }
}

// The key is the URL unless a template says otherwise.
bool is_stored(cache::Store& store, const std::string& url) {
  const cache::Store::Found found = store.find(url, {});
  if (found.entry || found.other_variants) return true;
  cache::Filter filter;
  filter.url = url;
  return !list_cache(store, filter).empty();
}

}  // namespace

Reply answer_cache_warm(Host& host, const Request& request) {
  const auto fetches = fetches_of(request.body);
  const auto stores = host.caches();
  const auto store = std::ranges::find(stores, request.parameter, [](const auto& one) { return one->name(); });
  if (store == stores.end())
    return problem_reply(404, fmt::format("no route uses a cache named \"{}\"", request.parameter));
  if (!fetches) return problem_reply(400, fetches.error().detail);
  Json json;
  json.open_object().key("items").open_array();
  std::uint64_t stored = 0;
  for (const Fetch& one : *fetches) {
    const Fetched got = fetch_inside(host, one);
    const bool there = got.status != 0 && is_stored(**store, one.scheme + "://" + one.authority + one.target);
    stored += there ? 1 : 0;
    json.open_object().member("url", one.url).member("status", got.status).member("bytes", got.bytes);
    json.member("stored", there).member("why", got.why).close_object();
  }
  json.close_array().member("stored", stored).close_object();
  log_event(LogLevel::kInfo, "cache: warmed",
            {{"uid", request.asker.who()},
             {"pid", std::to_string(request.asker.pid)},
             {"cache", request.parameter},
             {"urls", std::to_string(fetches->size())},
             {"stored", std::to_string(stored)}});
  return json_reply(json);
}

}  // namespace rpx::control
