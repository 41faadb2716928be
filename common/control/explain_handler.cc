// POST /v1/explain; the table in routes.cc names it. Any thread, several at once.
#include <Poco/Exception.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <fmt/format.h>

#include "control/handlers.h"

namespace rpx::control {

namespace {

std::unexpected<Error> no_question(std::string detail) {
  return client_error(ErrorKind::kBadRequest, std::move(detail));
}

Status take_member(proxy::ExplainQuestion& question, const std::string& name, const Poco::Dynamic::Var& value) {
  if (name == "headers") {
    if (value.type() != typeid(Poco::JSON::Object::Ptr)) return no_question("headers is an object of texts");
    for (const auto& [field, text] : *value.extract<Poco::JSON::Object::Ptr>()) {
      if (!text.isString()) return no_question("headers is an object of texts");
      question.headers.emplace_back(field, text.extract<std::string>());
    }
    return {};
  }
  if (name != "method" && name != "url" && name != "client")
    return no_question(fmt::format("unknown member \"{}\"; this call takes method, url, headers and client", name));
  if (!value.isString()) return no_question(name + " is a text");
  const auto& text = value.extract<std::string>();
  if (name == "method") question.method = text;
  if (name == "url") question.url = text;
  if (name == "client") {
    const auto ip = IpAddress::parse(text);
    if (!ip) return no_question(fmt::format("client \"{}\" is no address", text));
    question.client = *ip;
  }
  return {};
}

Result<proxy::ExplainQuestion> parse_question(const std::string& body) {
  proxy::ExplainQuestion question;
  question.client = *IpAddress::parse("127.0.0.1");
  try {
    Poco::JSON::Parser parser;
    const auto object = parser.parse(body).extract<Poco::JSON::Object::Ptr>();
    for (const auto& [name, value] : *object)
      if (Status taken = take_member(question, name, value); !taken) return std::unexpected(std::move(taken).error());
  } catch (const Poco::Exception& error) {
    return no_question("the body is no JSON object: " + error.displayText());
  }
  if (question.url.empty()) return no_question("this call needs url");
  return question;
}

}  // namespace

Reply answer_explain(Host& host, const Request& request) {
  const auto question = parse_question(request.body);
  if (!question) return problem_reply(400, question.error().detail);
  const auto explained = host.explain(*question);
  if (!explained) return problem_reply(400, explained.error().detail);
  Json json;
  json.open_object().key("steps").open_array();
  for (const proxy::ExplainStep& step : explained->steps)
    json.open_object().member("step", step.step).member("outcome", step.outcome).member("why", step.why).close_object();
  json.close_array().key("status");
  explained->status == 0 ? json.null() : json.value(explained->status);
  json.key("route");
  explained->route.empty() ? json.null() : json.value(std::string_view(explained->route));
  json.key("upstream");
  explained->upstream.empty() ? json.null() : json.value(std::string_view(explained->upstream));
  json.close_object();
  return json_reply(json);
}

}  // namespace rpx::control
