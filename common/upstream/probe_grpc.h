// The health protocol of gRPC (grpc.health.v1.Health/Check): what is asked, and what the answer says. Pure; made by
// upstream/probe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "http/headers.h"

namespace rpx::upstream {

inline constexpr std::string_view kGrpcHealthPath = "/grpc.health.v1.Health/Check";

/// The body of the question about `service` (empty: the server as a whole): one message behind its prefix.
std::string grpc_health_question(std::string_view service);

/// Whether the answer says that the service is serving: `status` of HTTP, fields of its head, the whole body, and
/// trailers where there were any. Errors, kBadResponse: "not serving", "grpc status 12: unknown service", …
Status judge_grpc_health(std::uint16_t status, const http::Headers& head, std::string_view body,
                         const http::Headers* trailers);

}  // namespace rpx::upstream
