#include "proxy/access_log.h"

#include <catch2/catch.hpp>

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <fstream>
#include <iterator>

#include "support/temp_folder.h"

namespace rpx::proxy {
namespace {

using namespace std::chrono_literals;

/// 2026-03-04T05:06:07.089Z, a GET that was answered.
struct Example {
  http::Headers request;
  http::Headers response;
  AccessEntry entry;

  Example() {
    request.add("User-Agent", "curl/8.0");
    request.add("Referer", "https://a.example/");
    request.add("Cookie", "sid=abc");
    response.add("ETag", "\"1\"");
    entry = {.time = WallTime(std::chrono::sys_days(std::chrono::year(2026) / 3 / 4)) + 5h + 6min + 7s + 89ms,
             .client = "192.0.2.7",
             .peer = "10.0.0.1",
             .method = "GET",
             .scheme = "https",
             .host = "shop.example",
             .authority = "shop.example:8080",
             .target = "/a/./b?x=1",
             .path = "/a/b",
             .query = "?x=1",
             .protocol = "HTTP/1.1",
             .listener = "web",
             .route = "shop",
             .upstream = "app",
             .server = "http://10.0.0.2:80",
             .request_id = "0af7",
             .status = 200,
             .tries = 2,
             .bytes_received = 123,
             .bytes_sent = 4567,
             .queue_s = 0,
             .connect_s = 0.0015,
             .first_byte_s = -1,
             .total_s = 12.3456789};
    entry.request_headers = &request;
    entry.response_headers = &response;
  }
  Example(const Example&) = delete;
  Example& operator=(const Example&) = delete;

  std::string line(std::string_view format) const {
    const auto compiled = AccessFormat::compile(format);
    REQUIRE(compiled);
    std::string out;
    compiled->append(out, entry);
    return out;
  }
};

TEST_CASE("access log: a line of JSON has every member, in order", "[proxy]") {
  Example example;
  CHECK(example.line("json") ==
        R"({"time":"2026-03-04T05:06:07.089Z","client":"192.0.2.7","method":"GET","host":"shop.example",)"
        R"("target":"/a/./b?x=1","protocol":"HTTP/1.1","status":200,"bytes_received":123,"bytes_sent":4567,)"
        R"("route":"shop","upstream":"app","server":"http://10.0.0.2:80","tries":2,"queue_s":0.000000,)"
        R"("connect_s":0.001500,"first_byte_s":null,"total_s":12.345679,"reason":"","request_id":"0af7",)"
        R"("user_agent":"curl/8.0","referer":"https://a.example/","listener":"web","user":""})"
        "\n");
}

TEST_CASE("access log: an exchange of which nothing is known is a line as well", "[proxy]") {
  const AccessEntry nothing{};
  for (const std::string_view format : {"json", "common", "combined", "{client} {header:A} {cookie:b} {status}"}) {
    const auto compiled = AccessFormat::compile(format);
    REQUIRE(compiled);
    std::string out;
    compiled->append(out, nothing);
    CHECK(out.find('\n') == out.size() - 1);
    if (format == "common") CHECK(out == "- - - [01/Jan/1970:00:00:00 +0000] \"-\" - 0\n");
    if (format == "combined") CHECK(out.ends_with(" \"-\" - 0 \"-\" \"-\"\n"));
    if (format == "json") CHECK(Poco::JSON::Parser().parse(out).extract<Poco::JSON::Object::Ptr>()->size() == 23);
  }
}

TEST_CASE("access log: common and combined", "[proxy]") {
  Example example;
  const std::string common = "192.0.2.7 - - [04/Mar/2026:05:06:07 +0000] \"GET /a/./b?x=1 HTTP/1.1\" 200 4567";
  CHECK(example.line("common") == common + "\n");
  CHECK(example.line("combined") == common + " \"https://a.example/\" \"curl/8.0\"\n");
  example.entry.user = "ann";
  CHECK(example.line("common").starts_with("192.0.2.7 - ann ["));
}

TEST_CASE("access log: every variable of a template", "[proxy]") {
  Example example;
  example.entry.reason = "reset";
  CHECK(example.line("{client} {peer} {method} {scheme} {host} {authority} {path} {query} {target}") ==
        "192.0.2.7 10.0.0.1 GET https shop.example shop.example:8080 /a/b ?x=1 /a/./b?x=1\n");
  CHECK(example.line("{request_id} {route} {upstream} {server} {status} {listener} {protocol}") ==
        "0af7 shop app http://10.0.0.2:80 200 web HTTP/1.1\n");
  CHECK(example.line("{bytes_received} {bytes_sent} {tries} {reason} {user}") == "123 4567 2 reset -\n");
  CHECK(example.line("{time} [{time_common}]") == "2026-03-04T05:06:07.089Z [04/Mar/2026:05:06:07 +0000]\n");
  CHECK(example.line("{duration} {queue_time} {connect_time} {first_byte_time}") == "12.345679 0.000000 0.001500 -\n");
  CHECK(example.line("{header:user-agent}|{header:none}|{cookie:sid}|{cookie:no}|{response_header:etag}") ==
        "curl/8.0|-|abc|-|\\x221\\x22\n");
}

TEST_CASE("access log: no value of a client can end its line or its quotes", "[proxy]") {
  Example example;
  const std::string hostile = std::string("a\"b\\c\r\nGET /x\x1b[31m") + '\0' + "\x7f\xff\xc3\xbc ";
  http::Headers request;
  request.add("User-Agent", hostile);
  request.add("Referer", hostile);
  example.entry.request_headers = &request;
  for (std::string_view AccessEntry::* view :
       {&AccessEntry::client, &AccessEntry::method, &AccessEntry::host, &AccessEntry::target, &AccessEntry::protocol,
        &AccessEntry::user, &AccessEntry::request_id, &AccessEntry::path, &AccessEntry::reason})
    example.entry.*view = hostile;

  for (const std::string_view format :
       {"common", "combined", "{client} {method} {host} {target} {path} {header:User-Agent} {request_id}"}) {
    const std::string line = example.line(format);
    CAPTURE(format, line);
    CHECK(line.find('\n') == line.size() - 1);
    CHECK(line.find(R"(a\x22b\x5Cc\x0D\x0AGET /x\x1B[31m\x00\x7F\xFF\xC3\xBC )") != std::string::npos);
    for (const char c : line.substr(0, line.size() - 1)) CHECK((c >= ' ' && c <= '~'));
  }
  CHECK(std::ranges::count(example.line("combined"), '"') == 6);

  const std::string json = example.line("json");
  CHECK(json.find('\n') == json.size() - 1);
  const auto object = Poco::JSON::Parser().parse(json).extract<Poco::JSON::Object::Ptr>();
  CHECK(object->size() == 23);
  const auto agent = object->getValue<std::string>("user_agent");
  CHECK(agent.starts_with("a\"b\\c\r\nGET /x\x1b[31m"));
  CHECK(object->getValue<std::string>("target") == agent);
}

TEST_CASE("access log: times at the edges", "[proxy]") {
  Example example;
  example.entry.time = WallTime(std::chrono::sys_days(std::chrono::year(2024) / 2 / 29)) + 24h - 1ms;
  CHECK(example.line("{time} {time_common}") == "2024-02-29T23:59:59.999Z 29/Feb/2024:23:59:59 +0000\n");
  example.entry.total_s = 1e300;
  CHECK(example.line("{duration}") == "-\n");
  example.entry.total_s = std::numeric_limits<double>::quiet_NaN();
  CHECK(example.line("{duration}") == "-\n");
  example.entry.total_s = 0.9999999;
  CHECK(example.line("{duration}") == "1.000000\n");
}

TEST_CASE("access log: what cannot be a format is refused", "[proxy]") {
  const auto said = [](std::string_view format) {
    const auto compiled = AccessFormat::compile(format);
    REQUIRE_FALSE(compiled);
    CHECK(compiled.error().kind == ErrorKind::kConfig);
    return compiled.error().detail;
  };
  CHECK(said("jsno") ==
        "\"jsno\" is no log format: json, common, combined or a text with {variables}; did you mean \"json\"?");
  CHECK(said("") == "\"\" is no log format: json, common, combined or a text with {variables}");
  CHECK(said("{client}\n") == "a log format is one line without control characters");
  CHECK(said("{cleint}") == "unknown variable \"{cleint}\"; did you mean \"{client}\"?");
}

TEST_CASE("access log: lines are gathered, and handed over in chunks or when asked", "[proxy]") {
  const test::TempFolder folder;
  Example example;
  auto writer = LogWriter::open(folder.file("access.log"));
  REQUIRE(writer);
  const std::shared_ptr<LogWriter> shared = *std::move(writer);
  const auto format = std::make_shared<const AccessFormat>(*AccessFormat::compile("{request_id} {target}"));
  AccessLog off;
  CHECK_FALSE(off.enabled());
  off.add(example.entry);
  CHECK_FALSE(off.pending());

  AccessLog log(shared, format);
  CHECK(log.enabled());
  log.add(example.entry);
  CHECK(log.pending());
  shared->flush();
  CHECK(folder.text("access.log").empty());
  log.flush();
  CHECK_FALSE(log.pending());
  shared->flush();
  CHECK(folder.text("access.log") == "0af7 /a/./b?x=1\n");

  const std::string long_target(20'000, 'x');
  example.entry.target = long_target;
  log.add(example.entry);
  CHECK(log.pending());
  log.add(example.entry);
  CHECK_FALSE(log.pending());
  example.entry.target = "/last";
  log.add(example.entry);
  log = AccessLog();
  shared->flush();
  const std::string text = folder.text("access.log");
  CHECK(text.size() == 16 + 2 * 20'006 + 11);
  CHECK(text.ends_with("\n0af7 /last\n"));
}

}  // namespace
}  // namespace rpx::proxy
