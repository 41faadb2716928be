#include "upstream/probe_grpc.h"

#include <fmt/format.h>

#include "base/result.h"
#include "base/text.h"

namespace rpx::upstream {
namespace {

// A message is preceded by a byte that says whether it is compressed, and its length in four bytes.
constexpr std::size_t kPrefix = 5;
// "service", field 1 of HealthCheckRequest, is a text; "status", field 1 of HealthCheckResponse, a number.
constexpr char kServiceTag = 0x0a;
constexpr std::uint64_t kStatusTag = 0x08;
constexpr std::uint64_t kServing = 1;

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

std::optional<std::uint64_t> take_varint(std::string_view& from) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !from.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

// The number that the message has as its status: 0 (unknown) where it has none. Fields we do not know are passed over.
std::optional<std::uint64_t> read_status(std::string_view message) {
  std::uint64_t status = 0;
  while (!message.empty()) {
    const auto tag = take_varint(message);
    if (!tag) return std::nullopt;
    std::uint64_t length = 0;
    switch (*tag & 7) {
      case 0: {
        const auto value = take_varint(message);
        if (!value) return std::nullopt;
        if (*tag == kStatusTag) status = *value;
        break;
      }
      case 1: length = 8; break;
      case 2: {
        const auto told = take_varint(message);
        if (!told) return std::nullopt;
        length = *told;
        break;
      }
      case 5: length = 4; break;
      default: return std::nullopt;
    }
    if (length > message.size()) return std::nullopt;
    message.remove_prefix(length);
  }
  return status;
}

std::string_view name_of(std::uint64_t status) noexcept {
  switch (status) {
    case 0: return "unknown";
    case 2: return "not serving";
    case 3: return "an unknown service";
    default: return "a status that is not known here";
  }
}

std::unexpected<Error> bad(std::string why) { return upstream_error(ErrorKind::kBadResponse, std::move(why)); }

}  // namespace

std::string grpc_health_question(std::string_view service) {
  std::string message;
  if (!service.empty()) {
    message += kServiceTag;
    append_varint(message, service.size());
    message += service;
  }
  std::string out(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(message.size() >> shift);
  return out + message;
}

Status judge_grpc_health(std::uint16_t status, const http::Headers& head, std::string_view body,
                         const http::Headers* trailers) {
  if (status != 200) return bad(fmt::format("status {}", status));
  // Without a message the trailers come with the head.
  std::string_view code = trailers ? trailers->value("grpc-status") : std::string_view();
  std::string_view text = trailers ? trailers->value("grpc-message") : std::string_view();
  if (code.empty()) {
    code = head.value("grpc-status");
    text = head.value("grpc-message");
  }
  if (code.empty()) return bad("no grpc-status: the server does not speak gRPC");
  if (code != "0") return bad(fmt::format("grpc status {}{}{}", code, text.empty() ? "" : ": ", text));
  if (body.size() < kPrefix || body.front() != '\0') return bad("an answer of gRPC without a message");
  const auto told = read_status(body.substr(kPrefix));
  if (!told) return bad("an answer of gRPC that is no health status");
  if (*told != kServing) return bad(std::string(name_of(*told)));
  return {};
}

}  // namespace rpx::upstream
