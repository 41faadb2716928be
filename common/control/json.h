// Writes JSON text in one pass: what is opened is closed, commas come by themselves, strings are escaped and made
// UTF-8. Used by views and replies of the control API. Values only, any thread.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rpx::control {

class Json {
 public:
  Json& open_object() { return open('{'); }
  Json& close_object() { return close('}'); }
  Json& open_array() { return open('['); }
  Json& close_array() { return close(']'); }
  /// The name of the member that comes next.
  Json& key(std::string_view name);

  Json& value(std::string_view text);
  Json& value(const char* text) { return value(std::string_view(text)); }
  Json& value(bool truth) { return raw(truth ? "true" : "false"); }
  Json& value(double number);  ///< not finite becomes null
  template <std::integral Integer>
  Json& value(Integer number) {
    return raw(std::to_string(number));
  }
  Json& value(const std::vector<std::string>& texts);
  Json& null() { return raw("null"); }
  /// `text` is JSON already.
  Json& raw(std::string_view text);

  template <class Value>
  Json& member(std::string_view name, const Value& held) {
    return key(name).value(held);
  }

  const std::string& text() const noexcept { return text_; }
  std::string take() noexcept { return std::move(text_); }

 private:
  Json& open(char bracket);
  Json& close(char bracket);
  void separate();

  std::string text_;
  bool first_ = true;  ///< nothing stands yet in the innermost bracket
  bool after_key_ = false;
};

}  // namespace rpx::control
