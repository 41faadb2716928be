#include <Poco/Exception.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>

#include "base/result.h"
#include "base/text.h"
#include "demo_origin.h"
#include "notify.h"
#include "process.h"
#include "running.h"
#include "verbs.h"

namespace rpx::serve {

namespace {

struct DemoOptions {
  std::string listen = "127.0.0.1:0";
  bool once = false;
};

// A folder for the control socket that only this user can look into, gone with the demo.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::error_code failed;
    path_ = (std::filesystem::temp_directory_path(failed) / "rpx-demo-XXXXXX").string();
    if (failed || ::mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~TemporaryFolder() {
    if (!path_.empty()) ::rmdir(path_.c_str());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

std::string configuration_text(const DemoOptions& options, const DemoOrigin& one, const DemoOrigin& two) {
  return fmt::format(
      "[[listen]]\n"
      "address = \"{}\"\n"
      "\n"
      "[upstream.app]\n"
      "servers = [\"{}\", \"{}\"]\n"
      "\n"
      "[[route]]\n"
      "upstream = \"app\"\n"
      "response_headers = {{ set = {{ \"X-Served-By\" = \"rpx\" }} }}\n",
      options.listen, one.url(), two.url());
}

struct Response {
  int status = 0;
  std::string head;  ///< status line and fields, a line each
  std::string body;
};

Result<Response> fetch(const std::string& address, const std::string& path) {
  try {
    const auto colon = address.rfind(':');
    const auto port = parse_uint(address.substr(colon + 1)).value_or(0);
    Poco::Net::HTTPClientSession session(address.substr(0, colon), static_cast<Poco::UInt16>(port));
    session.setTimeout(Poco::Timespan(10, 0));
    Poco::Net::HTTPRequest request(Poco::Net::HTTPRequest::HTTP_GET, path, Poco::Net::HTTPMessage::HTTP_1_1);
    session.sendRequest(request);
    Poco::Net::HTTPResponse reply;
    std::istream& in = session.receiveResponse(reply);
    Response response{.status = static_cast<int>(reply.getStatus())};
    response.head = fmt::format("HTTP/1.1 {} {}\n", response.status, reply.getReason());
    for (const auto& [name, value] : reply) response.head += fmt::format("{}: {}\n", name, value);
    response.body.assign(std::istreambuf_iterator<char>(in), {});
    return response;
  } catch (const Poco::Exception& error) {
    return self_error(ErrorKind::kBadResponse, fmt::format("GET http://{}{}: {}", address, path, error.displayText()));
  }
}

std::string indented(const std::string& text) {
  std::string out;
  const auto end = text.find_last_not_of('\n') + 1;
  for (const std::string_view line : split(std::string_view(text).substr(0, end), '\n')) {
    out += line.empty() ? "\n" : fmt::format("    {}\n", line);
  }
  return out;
}

void say(std::string_view text) { cli::write_stdout(text); }

// One request as somebody would type it, and what came back. Which origin answered: "one", "two", or empty.
Result<std::string> show_request(const std::string& address, const std::string& path, bool with_head) {
  RPX_TRY(const Response response, fetch(address, path));
  say(fmt::format("  $ curl {}http://{}{}\n", with_head ? "-i " : "", address, path));
  say(indented(with_head ? response.head + "\n" + response.body : response.body));
  if (response.status != 200) return std::string();
  for (const char* name : {"one", "two"}) {
    if (response.body.find(fmt::format("origin {},", name)) != std::string::npos) return std::string(name);
  }
  return std::string();
}

// True when everything came out as it was announced.
Result<bool> show_balancing(const std::string& address) {
  say("\nRequests are spread over both. The origins' Server and X-Powered-By are gone, X-Served-By was added:\n\n");
  std::vector<std::string> answered;
  for (int i = 1; i <= 4; ++i) {
    RPX_TRY(std::string name, show_request(address, fmt::format("/request/{}", i), i == 1));
    answered.push_back(std::move(name));
  }
  // Each worker takes its own turns, so how often each answers depends on who accepted; both do.
  return std::ranges::count(answered, "one") > 0 && std::ranges::count(answered, "two") > 0 &&
         std::ranges::count(answered, "") == 0;
}

Result<bool> show_failover(const std::string& address, DemoOrigin& one) {
  one.stop();
  say(fmt::format("\nOrigin one ({}) has just been stopped. Nobody notices, two answers instead:\n\n", one.url()));
  bool held = true;
  for (int i = 5; i <= 8; ++i) {
    RPX_TRY(const std::string name, show_request(address, fmt::format("/request/{}", i), false));
    held &= name == "two";
  }
  return held;
}

Result<bool> show_all(const std::string& address, DemoOrigin& one) {
  RPX_TRY(const bool balanced, show_balancing(address));
  RPX_TRY(const bool held, show_failover(address, one));
  return balanced && held;
}

Result<int> demo(const DemoOptions& options, cli::Common common) {
  RPX_TRY(const Signals signals, Signals::open());
  open_notify();
  raise_file_limit();
  RPX_TRY(const auto one, DemoOrigin::start("one"));
  RPX_TRY(const auto two, DemoOrigin::start("two"));
  const TemporaryFolder folder;
  if (common.socket.empty() && !folder.path().empty()) common.socket = folder.path() + "/control.sock";
  const std::string text = configuration_text(options, *one, *two);
  const Source source = Source::from_text("demo.toml", text);
  auto loaded = source.load();
  if (!loaded) {
    print_problems(loaded.error());
    return cli::to_int(cli::ExitCode::kUsage);
  }
  // What goes by is the transcript's to tell.
  if (common.verbose == 0) loaded->options.log.level = LogLevel::kError;
  RPX_TRY(const auto running,
          Running::start(*std::move(loaded), {.source = source, .common = common, .alone = "it is a demonstration"}));
  const std::string url = first_url(running->ready());
  if (url.empty()) return self_error(ErrorKind::kUsage, "the demo asks itself over TCP; give --listen host:port");
  const std::string address = url.substr(sizeof("http://") - 1);

  say(fmt::format("Two origins, {} (one) and {} (two), and rpx-serve in front at {}, told this:\n\n{}", one->url(),
                  two->url(), url, indented(text)));
  RPX_TRY(const bool held, show_all(address, *one));
  if (!held) {
    return cli::report_error(kTool, cli::ExitCode::kFalse, "the demo did not go as told above; that is a bug");
  }
  if (options.once) return 0;
  say(
      fmt::format("\nIt stays up at {} until Ctrl-C. From another terminal:\n\n"
                  "  curl -i {}/\n"
                  "  rpx-serve status --socket {}\n",
                  url, url, running->ready().control));
  return running->wait(signals, std::nullopt);
}

}  // namespace

void add_demo(cli::App& app) {
  auto options = std::make_shared<DemoOptions>();
  app.verb("demo", "show two built-in servers behind a proxy, needing nothing else")
      .example("rpx-serve demo", "a few requests, then it stays up")
      .example("rpx-serve demo --once", "ends after them; exit status 1 if they did not go as told")
      .option("--listen", "ADDR", &options->listen, "where the proxy listens; default a free port of 127.0.0.1")
      .flag("--once", options->once, "end after the requests")
      .action([options](const cli::Common& common) {
        const Result<int> done = demo(*options, common);
        return done ? *done : cli::report_error(kTool, done.error());
      });
}

}  // namespace rpx::serve
