#include "upstream/probe.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/result.h"
#include "base/text.h"
#include "http/server_call.h"
#include "net/proxy_header.h"
#include "upstream/probe_grpc.h"
#include "upstream/server.h"

namespace rpx::upstream {
namespace {

// How much of a body is looked through, and how much of a reply is shown.
constexpr std::size_t kMostBody = 64 * 1024;
constexpr std::size_t kShown = 100;

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kShown)) {
    if (c == '\r') continue;
    out += c >= 0x20 && c < 0x7f ? c : c == '\n' ? ' ' : '.';
  }
  return out;
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_range(std::string_view text) noexcept {
  const std::size_t dash = text.find('-');
  const auto first = parse_uint(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_uint(text.substr(dash + 1));
  if (!first || !last || *first < 100 || *last > 599 || *first > *last) return std::nullopt;
  return std::pair(*first, *last);
}

// One probe under way.
struct Probing {
  rt::Loop& loop;
  const HealthOptions& options;
  const std::string& authority;
  bool secure;  // TLS is spoken
  Instant deadline;
  ProbeResult& result;
};

http::RequestLine request_line(const HealthOptions& options) {
  if (options.grpc) return {"POST", kGrpcHealthPath, ""};
  const std::string_view path = options.path;
  const std::size_t mark = path.find('?');
  return {options.method, path.substr(0, mark), mark == std::string_view::npos ? "" : path.substr(mark)};
}

http::Headers request_fields(const Probing& probing) {
  http::Headers out;
  out.add("Host", probing.authority);
  out.add("User-Agent", "rpx-check");
  if (probing.options.grpc) {
    out.add("Content-Type", "application/grpc");
    out.add(http::FieldId::kTe, "te", "trailers");
  } else {
    out.add("Accept", "*/*");
    out.add("Connection", "close");
  }
  for (const auto& [name, value] : probing.options.headers) out.set(name, value);
  return out;
}

rt::Task<Status> read_body(const Probing& probing, http::BodySource& source, std::string& body) {
  while (body.size() < kMostBody) {
    RPX_CO_TRY(const http::BodyPiece piece, source.try_read(kMostBody - body.size()));
    body += piece.data;
    if (piece.end) break;
    if (!piece.blocked) continue;
    // The rest of a body that nobody asked about does not matter.
    if (!probing.options.grpc && probing.options.body.empty() && body.size() >= kShown) break;
    const Duration left = probing.deadline - std::chrono::steady_clock::now();
    if (left <= Duration::zero()) co_return upstream_error(ErrorKind::kResponseTimeout, "no end of the body in time");
    RPX_CO_TRY_VOID(co_await source.wait(left));
  }
  co_return Status{};
}

rt::Task<Status> read_grpc(const Probing& probing, http::ServerCall& call) {
  std::string body;
  RPX_CO_TRY_VOID(co_await read_body(probing, call.body(), body));
  co_return judge_grpc_health(call.head().status, call.head().headers, body, call.body().trailers());
}

rt::Task<Status> read_reply(const Probing& probing, http::ServerCall& call) {
  const http::Method method = probing.options.grpc ? http::Method::kPost : http::method_of(probing.options.method);
  do {
    const Status head = co_await call.read_head(method, probing.deadline);
    if (!head) {
      probing.result.first_bytes = printable(call.leftover());
      co_return head;
    }
  } while (call.head().status < 200 && call.head().status != 101);
  ProbeResult& result = probing.result;
  result.status = call.head().status;
  const std::string version = call.h1() ? fmt::format("1.{}", call.head().minor_version) : "2";
  result.first_bytes = printable(fmt::format("HTTP/{} {} {}", version, call.head().status, call.head().reason));
  if (probing.options.grpc) co_return co_await read_grpc(probing, call);
  const bool fits = status_matches(probing.options.status, result.status);
  std::string body;
  const Status read = co_await read_body(probing, call.body(), body);
  if (!body.empty()) result.first_bytes += fmt::format(" {}", printable(body));
  if (!fits) co_return upstream_error(ErrorKind::kBadResponse, fmt::format("status {}", result.status));
  if (!read) co_return read;
  if (body.find(probing.options.body) == std::string::npos)
    co_return upstream_error(ErrorKind::kBadResponse, fmt::format("status {}, body without \"{}\"", result.status,
                                                                  printable(probing.options.body)));
  co_return Status{};
}

rt::Task<Status> ask(const Probing& probing, std::unique_ptr<net::Stream> stream, bool h2) {
  http::Limits limits;
  http::ServerCall call(probing.loop);
  const http::Headers fields = request_fields(probing);
  const http::RequestLine line = request_line(probing.options);
  std::optional<http::H2Slot> slot;
  http::BodySink* wire = nullptr;
  if (h2) {
    slot.emplace(std::make_shared<http::H2Client>(std::move(stream)));
    wire = &call.begin(*slot, limits, line, probing.secure ? "https" : "http", fields,
                       probing.options.grpc ? http::Framing::kChunked : http::Framing::kNone);
  } else {
    wire = &call.begin(*stream, limits, line, fields, http::Framing::kNone);
  }
  http::BodySink& sink = *wire;
  const Instant begun = std::chrono::steady_clock::now();
  const std::string question = probing.options.grpc ? grpc_health_question(probing.options.service) : std::string();
  RPX_CO_TRY(const bool sent, probing.options.grpc ? sink.try_write(question, true) : sink.try_flush());
  if (!sent) {
    RPX_CO_TRY_VOID(co_await sink.drain(std::max<Duration>(probing.deadline - begun, std::chrono::milliseconds(1))));
  }
  const Status read = co_await read_reply(probing, call);
  probing.result.first_byte = std::chrono::steady_clock::now() - begun;
  co_return read;
}

rt::Task<Status> try_addresses(const Probing& probing, const ProbeTarget& target) {
  Error last{ErrorKind::kUnresolved, Side::kUpstream, "the name does not resolve"};
  const HealthOptions& options = probing.options;
  std::string_view protocol = options.protocol;
  if (options.grpc) protocol = probing.secure ? "h2" : "h2c";
  for (const Address& address : target.addresses) {
    const Instant begun = std::chrono::steady_clock::now();
    if (begun >= probing.deadline) break;
    Security security = probing.options.tcp ? Security{} : target.security;
    // A check speaks for nobody.
    security.alpn = alpn_for(protocol, probing.secure);
    if (probing.options.proxy_protocol != 0)
      security.preface = net::make_proxy_header(probing.options.proxy_protocol, std::nullopt, {});
    auto stream = co_await dial(probing.loop, address, std::move(security), probing.deadline);
    probing.result.connect = std::chrono::steady_clock::now() - begun;
    if (!stream) {
      last = stream.error();
      continue;
    }
    probing.result.address = address.to_string();
    if (probing.options.tcp || probing.options.tls) co_return Status{};
    RPX_CO_TRY(const bool h2, speaks_h2(**stream, protocol, probing.secure));
    co_return co_await ask(probing, std::move(*stream), h2);
  }
  co_return std::unexpected(last);
}

}  // namespace

bool is_status_range(std::string_view text) noexcept { return parse_range(text).has_value(); }

bool status_matches(const std::vector<std::string>& ranges, std::uint16_t status) noexcept {
  return std::ranges::any_of(ranges, [status](const std::string& text) {
    const auto range = parse_range(text);
    return range && status >= range->first && status <= range->second;
  });
}

ProbeTarget target_of(const Server& server, const std::shared_ptr<const tls::ClientContext>& tls, std::string& error) {
  return {server.addresses(&error),
          server.target().authority,
          {server.tls() ? server.tls() : tls, server.target().name, nullptr}};
}

rt::Task<ProbeResult> probe(rt::Loop& loop, ProbeTarget target, HealthOptions options) {
  ProbeResult result;
  const Instant begun = std::chrono::steady_clock::now();
  const Probing probing{loop,  options, target.authority, target.security.context != nullptr, begun + options.timeout,
                        result};
  const Status done = co_await try_addresses(probing, target);
  result.total = std::chrono::steady_clock::now() - begun;
  result.good = done.has_value();
  if (!done)
    result.why = done.error().detail;
  else
    result.why = options.tcp    ? "connected"
                 : options.tls  ? "shook hands"
                 : options.grpc ? "serving"
                                : fmt::format("status {}", result.status);
  co_return result;
}

std::string describe(const HealthOptions& options) {
  if (options.tcp) return "tcp";
  if (options.tls) return "tls";
  if (options.grpc) return options.service.empty() ? "grpc" : fmt::format("grpc {}", options.service);
  return fmt::format("{} {}", options.method, options.path);
}

}  // namespace rpx::upstream
