#include "access_lines.h"

#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <fmt/format.h>

#include <fstream>
#include <iostream>

#include "base/result.h"
#include "base/text.h"

namespace rpx::cache_tool {
namespace {

std::optional<LoggedRequest> read_json(std::string_view line) {
  try {
    Poco::JSON::Parser parser;
    const auto object = parser.parse(std::string(line)).extract<Poco::JSON::Object::Ptr>();
    LoggedRequest out;
    out.method = object->optValue<std::string>("method", "");
    out.host = object->optValue<std::string>("host", "");
    out.target = object->optValue<std::string>("target", "");
    out.status = object->optValue<std::uint16_t>("status", 0);
    out.bytes = object->optValue<std::uint64_t>("bytes_sent", 0);
    if (out.method.empty() || out.target.empty()) return std::nullopt;
    return out;
  } catch (const Poco::Exception&) {
    return std::nullopt;
  }
}

// HOST - USER [TIME] "GET /x HTTP/1.1" 200 1234 …
std::optional<LoggedRequest> read_common(std::string_view line) {
  const std::size_t open = line.find("] \"");
  if (open == std::string_view::npos) return std::nullopt;
  const std::string_view request = line.substr(open + 3);
  const std::size_t close = request.find('"');
  if (close == std::string_view::npos) return std::nullopt;
  const std::string_view asked = request.substr(0, close);
  const std::size_t method = asked.find(' ');
  const std::size_t target = asked.rfind(' ');
  if (method == std::string_view::npos || target <= method + 1) return std::nullopt;
  std::string_view rest = trim(request.substr(close + 1));
  const std::size_t status = rest.find(' ');
  if (status == std::string_view::npos) return std::nullopt;
  const auto code = parse_uint(rest.substr(0, status));
  rest = trim(rest.substr(status));
  const std::string_view size = rest.substr(0, rest.find(' '));
  const auto bytes = size == "-" ? std::optional<std::uint64_t>(0) : parse_uint(size);
  if (!code || *code > 999 || !bytes) return std::nullopt;
  return LoggedRequest{.method = std::string(asked.substr(0, method)),
                       .host = {},
                       .target = std::string(asked.substr(method + 1, target - method - 1)),
                       .status = static_cast<std::uint16_t>(*code),
                       .bytes = *bytes};
}

}  // namespace

std::optional<LoggedRequest> read_logged(std::string_view line) {
  line = trim(line);
  return line.starts_with('{') ? read_json(line) : read_common(line);
}

Status each_line(const std::string& file, const std::function<Status(std::string_view)>& take) {
  std::ifstream opened;
  if (file != "-") {
    opened.open(file);
    if (!opened) return self_error(ErrorKind::kIo, fmt::format("cannot read {}: is it there, and may you?", file));
  }
  std::istream& in = file == "-" ? std::cin : opened;
  std::string line;
  while (std::getline(in, line)) RPX_TRY_VOID(take(line));
  return {};
}

}  // namespace rpx::cache_tool
