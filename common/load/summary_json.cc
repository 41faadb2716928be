#include <Poco/Dynamic/Var.h>
#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <fmt/format.h>

#include <cmath>

#include "base/rfc3339.h"
#include "control/json.h"
#include "load/summary.h"

namespace rpx::load {
namespace {

using control::Json;
using Poco::JSON::Array;
using Poco::JSON::Object;

constexpr const char* kSchema = "rpx-bench/1";
constexpr std::array<double, 8> kShown{50, 75, 90, 95, 99, 99.9, 99.99, 99.999};

double ms(double ns) { return std::round(ns / 10) / 1e5; }

void add_times(Json& json, std::string_view name, const Histogram& times) {
  json.key(name).open_object();
  json.member("count", times.count()).member("min_ms", ms(static_cast<double>(times.min())));
  json.member("mean_ms", ms(times.mean())).member("deviation_ms", ms(times.deviation()));
  for (const double percent : kShown)
    json.member(fmt::format("p{:g}_ms", percent), ms(static_cast<double>(times.percentile(percent))));
  json.member("max_ms", ms(static_cast<double>(times.max())));
  json.key("histogram_ns").open_array();
  times.for_each(
      [&json](std::uint64_t value, std::uint64_t count) { json.open_array().value(value).value(count).close_array(); });
  json.close_array().close_object();
}

void add_failed(Json& json, const Tally& tally) {
  json.key("errors_by_kind").open_object();
  for (std::size_t kind = 0; kind < kFailures; ++kind) {
    if (tally.failures[kind] == 0) continue;
    json.key(name_of(static_cast<Failure>(kind))).open_object();
    json.member("count", tally.failures[kind]).member("examples", tally.examples[kind]).close_object();
  }
  json.close_object();
}

void add_series(Json& json, const Summary& run) {
  json.member("slot_ms", std::chrono::duration<double, std::milli>(run.slot).count());
  json.key("series").open_array();
  for (const Slot& slot : run.tally.series) {
    json.open_object().member("requests", slot.requests).member("errors", slot.failures).member("bytes", slot.bytes);
    json.member("mean_ms", ms(slot.latency.mean()));
    for (const double percent : {50.0, 90.0, 99.0})
      json.member(fmt::format("p{:g}_ms", percent), ms(static_cast<double>(slot.latency.percentile(percent))));
    json.member("max_ms", ms(static_cast<double>(slot.latency.max()))).close_object();
  }
  json.close_array();
}

void read_times(const Object::Ptr& from, Histogram& into) {
  if (from.isNull()) return;
  const Array::Ptr pairs = from->getArray("histogram_ns");
  if (pairs.isNull()) return;
  for (std::size_t i = 0; i < pairs->size(); ++i) {
    const Array::Ptr pair = pairs->getArray(static_cast<unsigned>(i));
    into.record(pair->getElement<std::uint64_t>(0), pair->getElement<std::uint64_t>(1));
  }
}

void read_failed(const Object::Ptr& kinds, Tally& tally) {
  if (kinds.isNull()) return;
  for (std::size_t kind = 0; kind < kFailures; ++kind) {
    const Object::Ptr one = kinds->getObject(std::string(name_of(static_cast<Failure>(kind))));
    if (one.isNull()) continue;
    tally.failures[kind] = one->getValue<std::uint64_t>("count");
    const Array::Ptr examples = one->getArray("examples");
    for (unsigned i = 0; !examples.isNull() && i < examples->size(); ++i)
      tally.examples[kind].push_back(examples->getElement<std::string>(i));
  }
}

// A moment of a file keeps what its percentiles say: enough to compare runs by.
void read_series(const Array::Ptr& slots, Tally& tally) {
  for (unsigned i = 0; !slots.isNull() && i < slots->size(); ++i) {
    const Object::Ptr one = slots->getObject(i);
    Slot& slot = tally.series.emplace_back();
    slot.requests = one->getValue<std::uint64_t>("requests");
    slot.failures = one->getValue<std::uint64_t>("errors");
    slot.bytes = one->getValue<std::uint64_t>("bytes");
    const auto at = [&one](const char* name) { return static_cast<std::uint64_t>(one->getValue<double>(name) * 1e6); };
    if (slot.requests == 0) continue;
    slot.latency.record(at("p50_ms"), 90);
    slot.latency.record(at("p90_ms"), 9);
    slot.latency.record(at("p99_ms"), 1);
  }
}

void read_run(const Object& from, Summary& run) {
  Tally& tally = run.tally;
  const Array::Ptr targets = from.getArray("targets");
  for (unsigned i = 0; !targets.isNull() && i < targets->size(); ++i)
    run.targets.push_back(targets->getElement<std::string>(i));
  run.protocol = from.getValue<std::string>("protocol");
  run.open_loop = from.getValue<std::string>("loop") == "open";
  run.rate = from.getValue<double>("rate");
  run.connections = from.getValue<int>("connections");
  run.threads = from.getValue<int>("threads");
  run.pipeline = from.getValue<int>("at_once");
  run.started = WallTime(std::chrono::milliseconds(from.getValue<std::int64_t>("started_unix_ms")));
  run.elapsed = Duration(static_cast<std::int64_t>(from.getValue<double>("seconds") * 1e9));
  run.slot = Duration(static_cast<std::int64_t>(from.getValue<double>("slot_ms") * 1e6));
  tally.requests = from.getValue<std::uint64_t>("requests");
  tally.bytes_in = from.getValue<std::uint64_t>("bytes_in");
  tally.bytes_out = from.getValue<std::uint64_t>("bytes_out");
  tally.unfinished = from.getValue<std::uint64_t>("unfinished");
  tally.unsent = from.getValue<std::uint64_t>("unsent");
  tally.resumed = from.getValue<std::uint64_t>("tls_resumed");
  tally.cpu = Duration(static_cast<std::int64_t>(from.getValue<double>("client_cpu_seconds") * 1e9));
  const Array::Ptr classes = from.getArray("replies_by_class");
  for (unsigned i = 0; i < tally.classes.size(); ++i) tally.classes[i] = classes->getElement<std::uint64_t>(i);
  read_failed(from.getObject("errors_by_kind"), tally);
  read_times(from.getObject("latency"), tally.latency);
  read_times(from.getObject("raw_latency"), tally.raw);
  read_times(from.getObject("send_lag"), tally.lag);
  read_times(from.getObject("connect"), tally.connect);
  read_series(from.getArray("series"), tally);
}

}  // namespace

std::string to_json(const Summary& run) {
  const Tally& tally = run.tally;
  Json json;
  json.open_object().member("schema", kSchema).member("version", RPX_VERSION);
  json.member("targets", run.targets).member("protocol", run.protocol);
  json.member("loop", run.open_loop ? "open" : "closed").member("rate", run.rate);
  json.member("connections", run.connections).member("threads", run.threads).member("at_once", run.pipeline);
  json.member("started", format_rfc3339(run.started));
  json.member("started_unix_ms",
              std::chrono::duration_cast<std::chrono::milliseconds>(run.started.time_since_epoch()).count());
  json.member("seconds", run.seconds()).member("requests", tally.requests).member("rps", run.rps());
  json.member("bytes_in", tally.bytes_in).member("bytes_out", tally.bytes_out);
  json.member("errors", tally.failed()).member("error_share", run.error_share());
  json.member("unfinished", tally.unfinished).member("unsent", tally.unsent).member("tls_resumed", tally.resumed);
  json.member("client_cpu_seconds", std::chrono::duration<double>(tally.cpu).count());
  if (run.server_cpu_ns) json.member("server_cpu_us", *run.server_cpu_ns / 1e3);
  if (run.proxy_ns) json.member("proxy_ms", ms(*run.proxy_ns));
  if (run.origin_ns) json.member("origin_ms", ms(*run.origin_ns));
  json.key("interrupted");
  if (run.interrupted.empty())
    json.null();
  else
    json.value(run.interrupted);
  json.key("replies_by_class").open_array();
  for (const std::uint64_t count : tally.classes) json.value(count);
  json.close_array();
  add_failed(json, tally);
  add_times(json, "latency", tally.latency);
  if (run.open_loop) {
    add_times(json, "raw_latency", tally.raw);
    add_times(json, "send_lag", tally.lag);
  }
  add_times(json, "connect", tally.connect);
  json.member("warnings", run.warnings);
  add_series(json, run);
  json.close_object();
  return json.take() + '\n';
}

Result<Summary> from_json(const std::string& text, std::string_view name) {
  const auto bad = [name](std::string_view why) {
    return self_error(ErrorKind::kUsage, fmt::format("{}: {}; it is made by rpx-bench -o json", name, why));
  };
  try {
    Poco::JSON::Parser parser;
    const auto object = parser.parse(text).extract<Object::Ptr>();
    if (object->optValue<std::string>("schema", "") != kSchema) return bad("no result of schema rpx-bench/1");
    Summary out;
    read_run(*object, out);
    return out;
  } catch (const Poco::Exception&) {
    return bad("no result of a run");
  }
}

}  // namespace rpx::load
