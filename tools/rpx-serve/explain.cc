#include <fmt/format.h>

#include <memory>

#include "ask.h"
#include "base/result.h"
#include "base/text.h"
#include "control/json.h"
#include "verbs.h"

namespace rpx::serve {

namespace {

struct ExplainOptions {
  std::vector<std::string> what;  // METHOD URL, or URL
  std::vector<std::string> headers;
  std::string client;
  bool leaks = false;
};

// Fetches the URL as a client would. Exit status 1 where something tells on the servers.
Result<int> look_for_leaks(const ExplainOptions& options, const cli::Common& common) {
  if (options.what.size() != 1 || !options.headers.empty() || !options.client.empty())
    return self_error(ErrorKind::kUsage, "--leaks takes one URL, and fetches it with GET");
  control::Json question;
  question.open_object().member("url", options.what.front()).close_object();
  RPX_TRY(const control::Client proxy, find_proxy(common));
  RPX_TRY(const control::Answer answer, proxy.ask("POST", "/v1/leaks", question.take()));
  RPX_TRY(const auto object, parse_object(answer.body));
  if (answer.status == 502) return upstream_error(ErrorKind::kClosed, text_of(*object, "detail"));
  if (answer.status != 200) return self_error(ErrorKind::kUsage, text_of(*object, "detail"));
  const auto leaks = object->getArray("leaks");
  cli::Records records({{"where"}, {"what"}, {"why"}});
  for (std::size_t i = 0; !leaks.isNull() && i < leaks->size(); ++i) {
    const auto leak = leaks->getObject(static_cast<unsigned>(i));
    records.add({text_of(*leak, "where"), text_of(*leak, "what"), text_of(*leak, "why")});
  }
  const cli::Format format = common.resolved_format();
  if (format == cli::Format::kJson || format == cli::Format::kNdjson)
    cli::write_stdout(answer.body);
  else if (!common.quiet)
    cli::write_stdout(records.render(format, cli::use_color(common.color, cli::stdout_is_terminal())));
  if (records.empty() && !common.quiet)
    cli::write_stderr(
        fmt::format("{}: status {}, and nothing in it tells on the servers\n", kTool, number_of(*object, "status")));
  return cli::to_int(records.empty() ? cli::ExitCode::kDone : cli::ExitCode::kFalse);
}

Result<std::string> question_of(const ExplainOptions& options) {
  if (options.what.size() > 2) return self_error(ErrorKind::kUsage, "one METHOD and one URL, or a URL alone");
  control::Json json;
  json.open_object().member("method", options.what.size() == 2 ? options.what.front() : std::string("GET"));
  json.member("url", options.what.back());
  if (!options.client.empty()) json.member("client", options.client);
  json.key("headers").open_object();
  for (const std::string& header : options.headers) {
    const auto colon = header.find(':');
    if (colon == std::string::npos || colon == 0)
      return self_error(ErrorKind::kUsage, fmt::format("-H \"{}\": expected \"Name: value\"", header));
    json.member(header.substr(0, colon), trim(std::string_view(header).substr(colon + 1)));
  }
  json.close_object().close_object();
  return json.take();
}

// Exit status 1 where the proxy would refuse: the answer is its own and an error, or there is none.
Result<int> explain(const ExplainOptions& options, const cli::Common& common) {
  if (options.leaks) return look_for_leaks(options, common);
  RPX_TRY(const std::string question, question_of(options));
  RPX_TRY(const control::Client proxy, find_proxy(common));
  RPX_TRY(const control::Answer answer, proxy.ask("POST", "/v1/explain", question));
  RPX_TRY(const auto object, parse_object(answer.body));
  if (answer.status != 200) return self_error(ErrorKind::kUsage, text_of(*object, "detail"));
  const cli::Format format = common.resolved_format();
  cli::Records records({{"step"}, {"outcome"}, {"why"}});
  const auto steps = object->getArray("steps");
  std::string last;
  for (std::size_t i = 0; !steps.isNull() && i < steps->size(); ++i) {
    const auto step = steps->getObject(static_cast<unsigned>(i));
    last = text_of(*step, "step");
    records.add({last, text_of(*step, "outcome"), text_of(*step, "why")});
  }
  const std::uint64_t status = number_of(*object, "status");
  if (format == cli::Format::kJson || format == cli::Format::kNdjson)
    cli::write_stdout(answer.body);
  else if (!common.quiet)
    cli::write_stdout(records.render(format, cli::use_color(common.color, cli::stdout_is_terminal())));
  const bool refused = status >= 400 || last == "blocklist";
  if (!common.quiet && status != 0)
    cli::write_stderr(fmt::format("{}: the proxy itself would answer with {}\n", kTool, status));
  return cli::to_int(refused ? cli::ExitCode::kFalse : cli::ExitCode::kDone);
}

}  // namespace

void add_explain(cli::App& app) {
  auto options = std::make_shared<ExplainOptions>();
  app.verb("explain", "tell what would happen to a request, step by step, and why; exit status 1 if it were refused")
      .example("rpx-serve explain GET http://example.com/v1/users", "blocklist, route, access, limits, cache, server")
      .example("rpx-serve explain --client 192.0.2.7 -H 'X-Version: 2' http://example.com/", "as somebody else")
      .example("rpx-serve explain --leaks http://example.com/", "what of the reply tells on the servers")
      .operand("REQUEST...", &options->what, "METHOD and URL, or a URL alone for GET", true)
      .option("-H,--header", "FIELD", &options->headers, "a header field of the request, as in \"Name: value\"")
      .option("--client", "IP", &options->client, "the client's address; default 127.0.0.1")
      .flag("--leaks", options->leaks,
            "fetch the URL, and tell what of the reply tells on the servers; exit status 1 if something does")
      .action([options](const cli::Common& common) {
        const Result<int> done = explain(*options, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::serve
