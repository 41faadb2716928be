#include "base/log.h"

#include <catch2/catch.hpp>

namespace {

std::string text_of(std::string_view message, std::initializer_list<rpx::LogField> fields) {
  std::string out;
  rpx::append_key_values(out, message, fields);
  return out;
}

std::string last_event;

void keep(rpx::LogLevel level, std::string_view message, std::initializer_list<rpx::LogField> fields) {
  last_event = std::string(rpx::name_of(level)) + " " + text_of(message, fields);
}

void drop(rpx::LogLevel, std::string_view, std::initializer_list<rpx::LogField>) {}

}  // namespace

TEST_CASE("log: levels have names that parse back", "[base]") {
  for (const auto level : {rpx::LogLevel::kTrace, rpx::LogLevel::kDebug, rpx::LogLevel::kInfo, rpx::LogLevel::kNotice,
                           rpx::LogLevel::kWarning, rpx::LogLevel::kError})
    CHECK(rpx::parse_log_level(rpx::name_of(level)) == level);
  CHECK_FALSE(rpx::parse_log_level("warn").has_value());
  CHECK_FALSE(rpx::parse_log_level("").has_value());
}

TEST_CASE("log: values are quoted where they would break the line apart", "[base]") {
  CHECK(text_of("started", {}) == "started");
  CHECK(text_of("started", {{"port", "80"}, {"name", "a b"}}) == R"(started port=80 name="a b")");
  CHECK(text_of("x", {{"a", ""}, {"b", "c=d"}, {"e", "say \"hi\""}}) == R"(x a="" b="c=d" e="say \"hi\"")");
  CHECK(text_of("two\nlines", {{"v", "a\r\nb"}}) == R"(two lines v="a\r\nb")");
  CHECK(text_of("x", {{"v", "\x1b[31m"}}) == R"(x v="\u001b[31m")");
}

TEST_CASE("log: what is below the lowest level does not reach the sink", "[base]") {
  const rpx::LogLevel before = rpx::log_level();
  rpx::set_log_sink(keep, rpx::LogLevel::kNotice);
  last_event.clear();
  rpx::log_event(rpx::LogLevel::kInfo, "quiet");
  CHECK(last_event.empty());
  rpx::log_event(rpx::LogLevel::kNotice, "heard", {{"n", "1"}});
  CHECK(last_event == "notice heard n=1");
  CHECK(rpx::log_level() == rpx::LogLevel::kNotice);
  rpx::set_log_sink(drop, before);
}
