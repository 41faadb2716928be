#include "ask.h"

#include <Poco/Exception.h>
#include <Poco/JSON/ParseHandler.h>
#include <Poco/JSON/Parser.h>
#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <sstream>

#include "base/result.h"
#include "source.h"

namespace rpx::serve {

namespace {

constexpr Duration kPatience = std::chrono::seconds(10);

std::string line_of(const std::string& file, std::uint32_t number) {
  std::ifstream in(file);
  std::string line;
  for (std::uint32_t i = 0; i < number; ++i) {
    if (!std::getline(in, line)) return {};
  }
  return line;
}

config::Problem problem_of(const Poco::JSON::Object& object) {
  config::Problem problem;
  problem.file = text_of(object, "file");
  problem.line = static_cast<std::uint32_t>(number_of(object, "line"));
  problem.column = static_cast<std::uint32_t>(number_of(object, "column"));
  problem.message = text_of(object, "message");
  problem.warning = text_of(object, "warning") == "true";
  // The proxy sends no source lines; the file is mostly within reach here too.
  if (problem.line != 0) problem.source_line = line_of(problem.file, problem.line);
  return problem;
}

}  // namespace

Result<control::Client> find_proxy(const cli::Common& common) {
  RPX_TRY(std::string socket, find_socket(common));
  return control::Client(std::move(socket), common.timeout.value_or(kPatience));
}

Result<std::string> ask(const control::Client& proxy, std::string_view method, std::string_view target,
                        std::string_view body) {
  RPX_TRY(control::Answer answer, proxy.ask(method, target, body));
  if (answer.status >= 200 && answer.status < 300) return std::move(answer.body);
  std::string detail = fmt::format("status {}", answer.status);
  if (const auto problem = parse_object(answer.body)) detail = text_of(**problem, "detail");
  return self_error(ErrorKind::kInternal,
                    fmt::format("the proxy at {} refused {} {}: {}", proxy.path(), method, target, detail));
}

Result<std::vector<Poco::JSON::Object::Ptr>> ask_list(const control::Client& proxy, std::string_view target) {
  std::vector<Poco::JSON::Object::Ptr> items;
  std::string cursor = "0";
  while (!cursor.empty()) {
    RPX_TRY(const std::string body, ask(proxy, "GET", fmt::format("{}?limit=1000&cursor={}", target, cursor)));
    RPX_TRY(const Poco::JSON::Object::Ptr page, parse_object(body));
    const auto list = page->getArray("items");
    for (std::size_t i = 0; !list.isNull() && i < list->size(); ++i) {
      items.push_back(list->getObject(static_cast<unsigned>(i)));
    }
    cursor = text_of(*page, "next");
  }
  return items;
}

Result<Poco::JSON::Object::Ptr> parse_object(const std::string& text) {
  try {
    Poco::JSON::Parser parser(new Poco::JSON::ParseHandler(true));
    return parser.parse(text).extract<Poco::JSON::Object::Ptr>();
  } catch (const Poco::Exception& error) {
    return self_error(ErrorKind::kBadResponse, "the proxy did not answer with a JSON object: " + error.displayText());
  }
}

std::vector<config::Problem> problems_of(const Poco::JSON::Object& object, const std::string& member) {
  std::vector<config::Problem> out;
  const auto list = object.getArray(member);
  for (std::size_t i = 0; !list.isNull() && i < list->size(); ++i) {
    if (const auto item = list->getObject(static_cast<unsigned>(i)); !item.isNull()) out.push_back(problem_of(*item));
  }
  return out;
}

std::string text_of(const Poco::JSON::Object& object, const std::string& member) {
  const auto value = object.get(member);
  return value.isEmpty() ? "" : value.toString();
}

std::vector<std::string> texts_of(const Poco::JSON::Object& object, const std::string& member) {
  std::vector<std::string> out;
  const auto list = object.getArray(member);
  for (std::size_t i = 0; !list.isNull() && i < list->size(); ++i) {
    out.push_back(list->get(static_cast<unsigned>(i)).toString());
  }
  return out;
}

std::uint64_t number_of(const Poco::JSON::Object& object, const std::string& member) {
  const auto value = object.get(member);
  return value.isEmpty() || !value.isNumeric() ? 0 : value.convert<Poco::UInt64>();
}

std::string to_json(const Poco::JSON::Object& object) {
  std::ostringstream out;
  object.stringify(out);
  return out.str();
}

std::string to_json(const std::vector<Poco::JSON::Object::Ptr>& objects, bool one_a_line) {
  std::string out = one_a_line ? "" : "[";
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (!one_a_line && i > 0) out += ',';
    out += to_json(*objects[i]);
    if (one_a_line) out += '\n';
  }
  return one_a_line ? out : out + "]\n";
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::string_view kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace rpx::serve
