#include "load/replay.h"

#include <Poco/Dynamic/Var.h>
#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/result.h"
#include "base/rfc3339.h"
#include "base/text.h"

namespace rpx::load {
namespace {

using Poco::JSON::Array;
using Poco::JSON::Object;

/// A request and when it was made.
struct Once {
  WallTime when{};
  std::size_t place = 0;  // in the file, for those of the same second
  RequestText text;
};

Error bad_line(std::string_view name, std::size_t line, std::string_view why) {
  return {ErrorKind::kUsage, Side::kSelf, fmt::format("{}:{}: {}", name, line, why)};
}

// Path and query of an absolute URL.
std::string target_of(std::string_view url) {
  const std::size_t slashes = url.find("://");
  if (slashes == std::string_view::npos) return std::string(url);
  const std::size_t path = url.find('/', slashes + 3);
  std::string out(path == std::string_view::npos ? "/" : url.substr(path));
  out.resize(std::min(out.size(), out.find('#')));
  return out;
}

// Fields of one connection, of this client, and of HTTP/2 are not for another one.
bool is_carried(std::string_view field) noexcept {
  constexpr std::array<std::string_view, 9> kOwn{
      "host",       "content-length", "connection", "transfer-encoding", "upgrade", "te", "proxy-connection",
      "keep-alive", "expect"};
  return !field.starts_with(':') && std::ranges::none_of(kOwn, [field](auto own) { return iequals(own, field); });
}

Result<Once> read_entry(const Object& entry) {
  Once out;
  const auto when = parse_rfc3339(entry.getValue<std::string>("startedDateTime"));
  if (!when) return self_error(ErrorKind::kUsage, "an entry without a time");
  out.when = *when;
  const Object::Ptr request = entry.getObject("request");
  out.text.method = request->getValue<std::string>("method");
  out.text.target = target_of(request->getValue<std::string>("url"));
  const Array::Ptr headers = request->getArray("headers");
  for (unsigned i = 0; !headers.isNull() && i < headers->size(); ++i) {
    const Object::Ptr field = headers->getObject(i);
    const auto name = field->getValue<std::string>("name");
    if (is_carried(name)) out.text.headers.emplace_back(name, field->getValue<std::string>("value"));
  }
  if (const Object::Ptr data = request->getObject("postData"); !data.isNull())
    out.text.body = data->optValue<std::string>("text", "");
  return out;
}

Result<std::vector<Once>> read_har(const std::string& text, std::string_view name) {
  try {
    Poco::JSON::Parser parser;
    const auto file = parser.parse(text).extract<Object::Ptr>();
    const Array::Ptr entries = file->getObject("log")->getArray("entries");
    std::vector<Once> out;
    for (unsigned i = 0; i < entries->size(); ++i) {
      RPX_TRY(Once once, read_entry(*entries->getObject(i)));
      out.push_back(std::move(once));
    }
    return out;
  } catch (const Poco::Exception&) {
    return self_error(ErrorKind::kUsage, fmt::format("{}: no HAR file", name));
  }
}

Result<Once> read_json_line(std::string_view line) {
  Once out;
  try {
    Poco::JSON::Parser parser;
    const auto object = parser.parse(std::string(line)).extract<Object::Ptr>();
    const auto when = parse_rfc3339(object->getValue<std::string>("time"));
    if (!when) return self_error(ErrorKind::kUsage, "no time");
    out.when = *when;
    out.text.method = object->getValue<std::string>("method");
    out.text.target =
        object->has("target") ? object->getValue<std::string>("target") : object->getValue<std::string>("path");
    return out;
  } catch (const Poco::Exception&) {
    return self_error(ErrorKind::kUsage, "no record with time, method and target");
  }
}

// "10/Oct/2026:13:55:36 +0200".
std::optional<WallTime> parse_log_time(std::string_view text) noexcept {
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 26 || text[2] != '/' || text[6] != '/' || text[11] != ':') return std::nullopt;
  const auto month = std::ranges::find(kMonths, text.substr(3, 3));
  if (month == kMonths.end()) return std::nullopt;
  return parse_rfc3339(fmt::format("{}-{:02}-{}T{}{}:{}", text.substr(7, 4), month - kMonths.begin() + 1,
                                   text.substr(0, 2), text.substr(12, 8), text.substr(21, 3), text.substr(24, 2)));
}

Result<Once> read_common_line(std::string_view line) {
  const auto between = [line](std::string_view open, char close, std::size_t from) -> std::string_view {
    const std::size_t begin = line.find(open, from);
    if (begin == std::string_view::npos) return {};
    const std::size_t end = line.find(close, begin + open.size());
    return end == std::string_view::npos ? std::string_view()
                                         : line.substr(begin + open.size(), end - begin - open.size());
  };
  const std::string_view time = between("[", ']', 0);
  const std::string_view request = between("\"", '"', line.find(']'));
  const auto when = parse_log_time(time);
  const std::vector<std::string_view> words = split(request, ' ');
  if (!when || words.size() < 2) return self_error(ErrorKind::kUsage, "no line of a common log");
  Once out;
  out.when = *when;
  out.text.method = words[0];
  out.text.target = target_of(words[1]);
  return out;
}

Result<std::vector<Once>> read_lines(std::string_view text, std::string_view name) {
  std::vector<Once> out;
  std::size_t number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    if (trim(line).empty()) continue;
    Result<Once> once = line.starts_with('{') ? read_json_line(line) : read_common_line(line);
    if (!once) return std::unexpected(bad_line(name, number, once.error().detail));
    out.push_back(std::move(*once));
  }
  return out;
}

// A HAR file is one object whose only member is "log".
bool is_har(std::string_view text) noexcept {
  const std::size_t quote = text.find('"');
  return text.find_first_not_of(" \t\r\n") == text.find('{') && quote != std::string_view::npos &&
         text.substr(quote).starts_with("\"log\"");
}

}  // namespace

Result<std::vector<RequestText>> read_replay(const std::string& text, std::string_view name) {
  RPX_TRY(std::vector<Once> all, is_har(text) ? read_har(text, name) : read_lines(text, name));
  if (all.empty()) return std::unexpected(bad_line(name, 1, "no requests"));
  for (std::size_t i = 0; i < all.size(); ++i) all[i].place = i;
  std::ranges::sort(all, {}, [](const Once& once) { return std::pair(once.when, once.place); });
  const WallTime first = all.front().when;
  std::vector<RequestText> out;
  for (Once& once : all) {
    once.text.at = once.when - first;
    out.push_back(std::move(once.text));
  }
  return out;
}

}  // namespace rpx::load
