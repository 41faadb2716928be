#include "config/checks.h"
#include "config/keys_of.h"
#include "config/kinds.h"
#include "config/named.h"
#include "config/site.h"
#include "policy/fault.h"

namespace rpx::config {
namespace {

using policy::FaultAbort;
using policy::FaultDelay;
using policy::FaultOptions;
using policy::FaultReset;
using policy::FaultTruncate;

// clang-format off
constexpr Key kDelayKeys[] = {
    key("time", kDuration, at<&FaultDelay::time>, "", "how long the request waits before it goes on", {.example = R"("300ms")", .required = true}),
    key("jitter", kDuration, at<&FaultDelay::jitter>, R"("0s")", "up to so much more or less"),
    key("percent", kCount, at<&FaultDelay::percent>, "100", "of the requests", {.most = 100, .unit = "percent"}),
};
constexpr Section kDelay = {"delay", "Requests wait.", Shape::kTable, kDelayKeys};

constexpr Key kAbortKeys[] = {
    key("status", kStatus, at<&FaultAbort::status>, "503", "what is answered", {.least = 400, .most = 599}),
    key("percent", kCount, at<&FaultAbort::percent>, "100", "of the requests", {.most = 100, .unit = "percent"}),
};
constexpr Section kAbort = {"abort", "Requests are answered with an error.", Shape::kTable, kAbortKeys};

constexpr Key kResetKeys[] = {
    key("percent", kCount, at<&FaultReset::percent>, "100", "of the requests", {.most = 100, .unit = "percent"}),
};
constexpr Section kReset = {"reset", "Connections are cut before a reply.", Shape::kTable, kResetKeys};

constexpr Key kTruncateKeys[] = {
    key("after", kSize, at<&FaultTruncate::after>, "", "bytes of the body, as it goes to the client, that come before the cut",
        {.example = R"("1KiB")", .required = true}),
    key("percent", kCount, at<&FaultTruncate::percent>, "100", "of the requests", {.most = 100, .unit = "percent"}),
};
constexpr Section kTruncate = {"truncate", "Connections are cut within a reply of a server or of the cache.", Shape::kTable, kTruncateKeys};

constexpr Key kFaultKeys[] = {
    table("delay", kTable, at<&FaultOptions::delay>, kDelay),
    table("abort", kTable, at<&FaultOptions::abort>, kAbort),
    table("reset", kTable, at<&FaultOptions::reset>, kReset),
    table("truncate", kTable, at<&FaultOptions::truncate>, kTruncate),
    key("bandwidth", kByteRate, at<&FaultOptions::bandwidth>, R"("0")",
        "for the body of each reply of a server or of the cache; 0 = as fast as it goes"),
    key("seed", kCount, at<&FaultOptions::seed>, "1", "the same seed gives the same faults, request by request"),
};
// clang-format on

}  // namespace

constinit const Kind<Document> kFaults =
    make_kind<Document, read_named<&proxy::SiteOptions::faults>, write_named<&proxy::SiteOptions::faults>>(
        "tables", "tables with names, such as [fault.flaky]");

constinit const Section kFaultSection = {
    "fault",
    "What goes wrong on purpose, for tests: off unless a route names it. Changed while running by rpx-serve fault.",
    Shape::kNamed,
    kFaultKeys,
    {},
    {},
    nullptr,
    kAllKeys,
    true};

}  // namespace rpx::config
