#include "proxy/error_log.h"

#include <catch2/catch.hpp>

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include "base/log.h"
#include "support/temp_folder.h"

namespace rpx::proxy {
namespace {

LogOptions options_of(const std::string& path, std::string format, LogLevel level = LogLevel::kInfo) {
  LogOptions out;
  out.errors = path;
  out.format = std::move(format);
  out.level = level;
  return out;
}

void silence() {
  set_log_sink([](LogLevel, std::string_view, std::initializer_list<LogField>) {}, LogLevel::kWarning);
}

TEST_CASE("error log: an event is a line of names and values", "[proxy]") {
  const test::TempFolder folder;
  REQUIRE(install_error_log(options_of(folder.file("e.log"), "combined")));
  log_event(LogLevel::kWarning, "server is \"down\"\n", {{"upstream", "app"}, {"why", "connect refused"}, {"n", ""}});
  log_event(LogLevel::kDebug, "unheard");
  log_event(LogLevel::kInfo, "bare");
  close_error_log();
  silence();
  const std::string text = folder.text("e.log");
  const std::size_t end = text.find('\n');
  REQUIRE(end != std::string::npos);
  CHECK(text.substr(10, 1) == "T");
  CHECK(text.substr(23, 2) == "Z ");
  CHECK(text.substr(25, end - 25) ==
        R"(level=warning message="server is \"down\"\n" upstream=app why="connect refused" n="")");
  CHECK(text.substr(end + 26) == "level=info message=bare\n");
}

TEST_CASE("error log: beside a JSON access log a file has JSON too", "[proxy]") {
  const test::TempFolder folder;
  REQUIRE(install_error_log(options_of(folder.file("e.log"), "json", LogLevel::kTrace)));
  log_event(LogLevel::kTrace, "a \"b\"\r\n", {{"name", "v\"\\\n"}});
  close_error_log();
  silence();
  const std::string text = folder.text("e.log");
  CHECK(text.find('\n') == text.size() - 1);
  const auto object = Poco::JSON::Parser().parse(text).extract<Poco::JSON::Object::Ptr>();
  CHECK(object->size() == 4);
  CHECK(object->getValue<std::string>("level") == "trace");
  CHECK(object->getValue<std::string>("message") == "a \"b\"\r\n");
  CHECK(object->getValue<std::string>("name") == "v\"\\\n");
  CHECK(object->getValue<std::string>("time").size() == 24);
}

TEST_CASE("error log: a new one takes over, and one that cannot be opened leaves the old", "[proxy]") {
  const test::TempFolder folder;
  REQUIRE(install_error_log(options_of(folder.file("a.log"), "common")));
  log_event(LogLevel::kError, "one");
  REQUIRE(install_error_log(options_of(folder.file("b.log"), "common", LogLevel::kError)));
  log_event(LogLevel::kError, "two");
  log_event(LogLevel::kWarning, "unheard");
  const Status refused = install_error_log(options_of(folder.file("none/c.log"), "common"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::kIo);
  log_event(LogLevel::kError, "three");
  close_error_log();
  silence();
  CHECK(folder.text("a.log").ends_with("level=error message=one\n"));
  CHECK(folder.text("b.log").ends_with("level=error message=three\n"));
  CHECK(folder.text("b.log").find("unheard") == std::string::npos);
}

TEST_CASE("error log: it follows a rotation", "[proxy]") {
  const test::TempFolder folder;
  REQUIRE(install_error_log(options_of(folder.file("e.log"), "common")));
  log_event(LogLevel::kError, "one");
  REQUIRE(install_error_log(options_of(folder.file("e.log"), "common")));
  std::filesystem::rename(folder.file("e.log"), folder.file("e.log.1"));
  reopen_error_log();
  log_event(LogLevel::kError, "two");
  close_error_log();
  silence();
  CHECK(folder.text("e.log.1").ends_with("message=one\n"));
  CHECK(folder.text("e.log").ends_with("message=two\n"));
}

}  // namespace
}  // namespace rpx::proxy
