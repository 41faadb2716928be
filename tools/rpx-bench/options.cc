#include "options.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <thread>

#include "base/result.h"
#include "base/text.h"
#include "bodies.h"
#include "load/replay.h"
#include "target.h"

namespace rpx::bench {
namespace {

Error usage(std::string detail) { return {ErrorKind::kUsage, Side::kSelf, std::move(detail)}; }

// "5000", "2.5k", "600/m".
Result<double> parse_rate_option(const std::string& text) {
  if (text.find('/') != std::string::npos)
    if (const auto rate = parse_rate(text); rate && rate->per_second > 0) return rate->per_second;
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  std::string_view rest(end, text.data() + text.size());
  if (rest == "k" || rest == "K") {
    out *= 1000;
    rest = {};
  }
  if (error != std::errc() || !rest.empty() || !(out > 0) || out > 1e8)
    return std::unexpected(usage(fmt::format("--rate \"{}\" is no rate; write 500, 10k or 600/m", text)));
  return out;
}

Status read_numbers(const RunOptions& options, Plan& plan) {
  plan.connections = options.connections;
  if (!options.max_regress.empty() && !parse_percent(options.max_regress))
    return std::unexpected(usage(fmt::format("--max-regress \"{}\" is no share; write 5%", options.max_regress)));
  if (options.connections < 1 || options.connections > 1000000)
    return std::unexpected(usage("--connections is 1 to 1000000"));
  plan.http2 = options.http2 || options.streams;
  plan.at_once = plan.http2 ? options.streams.value_or(1) : options.pipeline;
  if (plan.http2 && (plan.at_once < 1 || plan.at_once > 10000))
    return std::unexpected(usage("--streams is 1 to 10000"));
  if (plan.http2 && (options.pipeline != 1 || options.no_keepalive))
    return std::unexpected(usage("--pipeline and --no-keepalive are for HTTP/1.1; leave --http2 and --streams out"));
  if (options.pipeline < 1 || options.pipeline > 1000) return std::unexpected(usage("--pipeline is 1 to 1000"));
  if (options.pipeline > 1 && options.no_keepalive)
    return std::unexpected(usage("--pipeline needs connections that are kept; leave --no-keepalive out"));
  if (!options.total.empty()) {
    const auto total = parse_uint(options.total);
    if (!total || *total == 0) return std::unexpected(usage("--requests is a number from 1"));
    plan.total = *total;
    plan.connections = static_cast<int>(std::min<std::uint64_t>(*total, static_cast<std::uint64_t>(plan.connections)));
    plan.duration = kForever;
  }
  if (options.duration) plan.duration = *options.duration;
  if (plan.duration <= Duration::zero()) return std::unexpected(usage("--duration is longer than nothing"));
  if (options.warmup) plan.warmup = *options.warmup;
  if (options.seed) plan.seed = static_cast<std::uint64_t>(*options.seed);
  if (!options.rate.empty()) {
    RPX_TRY(plan.rate, parse_rate_option(options.rate));
    // From now on a connection that is free waits for a request, not the other way round.
    if (options.arrivals == "poisson") plan.arrivals = load::ArrivalKind::kPoisson;
  } else if (!options.arrivals.empty()) {
    return std::unexpected(usage("--arrivals is for an open loop; pass --rate too"));
  }
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  plan.threads = options.threads.value_or(std::max(1, cores / 2));
  if (plan.threads < 1 || plan.threads > 256) return std::unexpected(usage("--threads is 1 to 256"));
  plan.threads = std::min(plan.threads, plan.connections);
  return {};
}

Result<load::RequestText> common_text(const RunOptions& options) {
  load::RequestText out;
  for (const std::string& header : options.headers) {
    const std::size_t colon = header.find(':');
    if (colon == std::string::npos || colon == 0)
      return std::unexpected(usage(fmt::format("--header \"{}\" has no name; write \"Name: value\"", header)));
    out.headers.emplace_back(header.substr(0, colon), std::string(trim(std::string_view(header).substr(colon + 1))));
  }
  RPX_TRY_VOID(add_body(options, out));
  out.method = !options.method.empty() ? options.method : out.body.empty() ? "GET" : "POST";
  return out;
}

Result<std::vector<double>> parse_weights(const RunOptions& options) {
  std::vector<double> out(options.urls.size(), 1);
  if (options.weights.empty()) return out;
  const std::vector<std::string_view> texts = split(options.weights, ',');
  if (texts.size() != out.size())
    return std::unexpected(
        usage(fmt::format("--weights has {} numbers for {} URLs", texts.size(), options.urls.size())));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto number = parse_uint(trim(texts[i]));
    if (!number || *number == 0) return std::unexpected(usage("--weights are whole numbers from 1, as in 3,1"));
    out[i] = static_cast<double>(*number);
  }
  return out;
}

Result<std::shared_ptr<const tls::ClientContext>> tls_of(const RunOptions& options) {
  return tls::ClientContext::build({!options.insecure, options.ca, "", options.cert, options.key});
}

Result<std::size_t> origin_of(const Target& target, const RunOptions& options, Plan& plan) {
  const auto found = std::ranges::find(plan.origins, target.server_url, &Origin::url);
  if (found != plan.origins.end()) return static_cast<std::size_t>(found - plan.origins.begin());
  Origin origin{target.server_url, {}, nullptr, target.server.name, target.server.authority};
  if (!options.unix_socket.empty()) {
    origin.addresses.push_back({{}, 0, options.unix_socket});
  } else {
    RPX_TRY(origin.addresses, addresses_of(target.server, plan.timeout));
  }
  if (target.server.tls) {
    RPX_TRY(origin.tls, tls_of(options));
  }
  plan.origins.push_back(std::move(origin));
  return plan.origins.size() - 1;
}

// What was asked once, of the server that is given now.
Status add_replay(const RunOptions& options, Plan& plan) {
  if (options.urls.size() != 1 || plan.rate > 0 || plan.total != 0)
    return std::unexpected(usage("--replay takes one URL, and neither --rate nor -n"));
  double speed = 1;
  if (!options.speed.empty()) {
    const char* end = options.speed.data() + options.speed.size();
    const auto [stop, error] = std::from_chars(options.speed.data(), end, speed);
    if (error != std::errc() || stop != end || !(speed > 0.001) || speed > 1e6)
      return std::unexpected(usage(fmt::format("--speed \"{}\" is no factor; write 2 or 0.5", options.speed)));
  }
  RPX_TRY(const std::string file, read_input(options.replay));
  RPX_TRY(std::vector<load::RequestText> texts, load::read_replay(file, options.replay));
  RPX_TRY(const Target target, parse_target_url(options.urls.front()));
  RPX_TRY(const std::size_t origin, origin_of(target, options, plan));
  for (load::RequestText& text : texts) {
    text.origin = origin;
    text.authority = target.server.authority;
    RPX_TRY(load::Request request, load::Request::build(text, nullptr, options.no_keepalive));
    plan.requests.push_back(std::move(request));
    plan.times.push_back(Duration(static_cast<std::int64_t>(static_cast<double>(text.at.count()) / speed)));
  }
  plan.total = plan.times.size();
  if (!options.duration) plan.duration = kForever;
  plan.threads = static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(plan.threads), plan.total));
  plan.targets.push_back(fmt::format("{} requests of {} to {}", plan.total, options.replay, options.urls.front()));
  return {};
}

Status add_requests(const RunOptions& options, Plan& plan) {
  if (!options.replay.empty()) return add_replay(options, plan);
  if (!options.speed.empty()) return std::unexpected(usage("--speed is for a replay; pass --replay too"));
  RPX_TRY(load::RequestText text, common_text(options));
  RPX_TRY(const std::vector<double> weights, parse_weights(options));
  const load::Feed* feed = plan.feed.empty() ? nullptr : &plan.feed;
  for (std::size_t i = 0; i < options.urls.size(); ++i) {
    RPX_TRY(const Target target, parse_target_url(options.urls[i]));
    RPX_TRY(text.origin, origin_of(target, options, plan));
    text.target = target.target;
    text.authority = target.server.authority;
    text.weight = weights[i];
    RPX_TRY(load::Request request, load::Request::build(text, feed, options.no_keepalive));
    plan.requests.push_back(std::move(request));
    plan.targets.push_back(text.method + ' ' + options.urls[i]);
  }
  return {};
}

}  // namespace

void declare(cli::Verb& verb, RunOptions& options) {
  verb.option("-c,--connections", "N", &options.connections, "connections, 50 without it")
      .option("-d,--duration", "DURATION", &options.duration, "how long, 10s without it and without -n")
      .option("-n,--requests", "N", &options.total, "that many requests in all")
      .option("-t,--threads", "N", &options.threads, "threads; half of the cores without it")
      .flag("--awake", options.awake, "wait for replies awake: no latency is that of waking up; takes a CPU a thread")
      .option("--rate", "RATE", &options.rate, "requests a second whatever the replies do: an open loop")
      .choice("--arrivals", "KIND", &options.arrivals, {"constant", "poisson"}, "how a rate is spread over time")
      .option("--warmup", "DURATION", &options.warmup, "run so long before anything is measured")
      .option("--pipeline", "N", &options.pipeline, "requests in progress on a connection")
      .flag("--http2", options.http2, "HTTP/2: by ALPN for https, by prior knowledge for http")
      .option("-m,--streams", "N", &options.streams, "HTTP/2 with that many requests in progress on a connection")
      .flag("--no-keepalive", options.no_keepalive, "a new connection for each request")
      .option("-X,--method", "METHOD", &options.method, "GET without it, POST with a body")
      .option("-H,--header", "FIELD", &options.headers, "a header field, as in \"Accept: text/html\"")
      .option("-b,--body", "TEXT", &options.body, "request body")
      .option("--body-file", "FILE", &options.body_file, "request body from a file; - is stdin")
      .option("--body-size", "SIZE", &options.body_size, "a generated request body, such as 10KB")
      .option("--form", "NAME=VALUE", &options.form, "a multipart form; NAME=@FILE takes a file")
      .choice("--compress", "CODING", &options.compress, {"gzip", "br", "zstd"}, "send the body coded")
      .option("--weights", "N,N...", &options.weights, "shares of the URLs, in their order")
      .option("--feed", "FILE", &options.feed, "CSV or JSON lines for {{feed.COLUMN}} in URL, fields and body")
      .option("--replay", "FILE", &options.replay,
              "requests of a HAR file or an access log, at their times, to the URL's server")
      .option("--speed", "FACTOR", &options.speed, "replay so many times as fast, 1 without it")
      .flag("--cookies", options.cookies, "each connection keeps the cookies it is given")
      .option("--seed", "N", &options.seed, "another sequence of random values")
      .flag("-k,--insecure", options.insecure, "take any certificate")
      .option("--ca", "FILE", &options.ca, "trust these authorities instead of the system's")
      .option("--cert", "FILE", &options.cert, "client certificate")
      .option("--key", "FILE", &options.key, "its private key")
      .flag("--no-resume", options.no_resume, "a whole TLS handshake for every connection")
      .option("--unix", "PATH", &options.unix_socket, "connect to this socket, whatever the URL says")
      .option("--check", "CHECK", &options.checks, "what replies must be, as in status=200 or length=128")
      .option("--assert", "CONDITION", &options.asserts, "as in p99<20ms, errors<0.1% or rps>5000; else exit status 1")
      .option("--save", "FILE", &options.save, "write the result as JSON too")
      .option("--report", "FILE", &options.report, "write it as an HTML page with plots")
      .option("--junit", "FILE", &options.junit, "write the conditions as JUnit test cases")
      .option("--baseline", "FILE", &options.baseline, "hold the result against an older one; worse is exit status 1")
      .option("--max-regress", "PERCENT", &options.max_regress, "how much worse is still well, 5% without it")
      .option("--compare", "URL", &options.compare, "this one too, in turns: is it better, worse, or the same?")
      .option("--find-max", "CONDITION", &options.find_max, "search the highest rate at which p99<10ms holds")
      .option("--pid", "PID", &options.pid, "tell the CPU time of this process for each request")
      .option("--proxy", "SOCKET", &options.proxy,
              "split the time into this client's, the proxy's at this control socket, its servers'")
      .flag("--screen", options.screen, "a full-screen view while it runs: rate, percentiles, failures");
}

Result<Plan> make_plan(const RunOptions& options, const cli::Common& common) {
  Plan plan;
  if (common.timeout) plan.timeout = *common.timeout;
  RPX_TRY_VOID(read_numbers(options, plan));
  if (plan.duration != kForever)
    plan.slot = std::max<Duration>(plan.slot, std::chrono::ceil<std::chrono::seconds>(plan.duration / 600));
  plan.keep_alive = !options.no_keepalive;
  plan.resume = !options.no_resume;
  plan.awake = options.awake;
  plan.cookies = options.cookies;
  for (const std::string& check : options.checks) RPX_TRY_VOID(plan.checks.add(check));
  if (!options.feed.empty()) {
    RPX_TRY(const std::string text, read_input(options.feed));
    RPX_TRY(plan.feed, load::Feed::parse(text, options.feed));
  }
  RPX_TRY_VOID(add_requests(options, plan));
  return plan;
}

Result<std::vector<load::Assertion>> parse_assertions(const std::vector<std::string>& texts) {
  std::vector<load::Assertion> out;
  for (const std::string& text : texts) {
    auto parsed = load::Assertion::parse(text);
    if (!parsed) return std::unexpected(usage("--assert " + parsed.error().detail));
    out.push_back(std::move(*parsed));
  }
  return out;
}

}  // namespace rpx::bench
