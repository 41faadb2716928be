#include "control/json.h"

#include <fmt/format.h>

#include <cmath>

#include "base/text.h"

namespace rpx::control {

void Json::separate() {
  if (!first_ && !after_key_) text_ += ',';
  first_ = false;
  after_key_ = false;
}

Json& Json::open(char bracket) {
  separate();
  text_ += bracket;
  first_ = true;
  return *this;
}

Json& Json::close(char bracket) {
  text_ += bracket;
  first_ = false;
  return *this;
}

Json& Json::key(std::string_view name) {
  value(name);
  text_ += ':';
  after_key_ = true;
  return *this;
}

Json& Json::value(std::string_view text) {
  separate();
  text_ += '"';
  append_json_escaped(text_, text);
  text_ += '"';
  return *this;
}

Json& Json::value(double number) { return std::isfinite(number) ? raw(fmt::format("{}", number)) : null(); }

Json& Json::value(const std::vector<std::string>& texts) {
  open_array();
  for (const std::string& text : texts) value(std::string_view(text));
  return close_array();
}

Json& Json::raw(std::string_view text) {
  separate();
  text_ += text;
  return *this;
}

}  // namespace rpx::control
