#include "control/message.h"

#include <Poco/Net/HTTPResponse.h>

#include <algorithm>

namespace rpx::control {

namespace {

void write_place(Json& json, const config::Problem& problem) {
  json.member("file", problem.file);
  json.key("line");
  problem.line == 0 ? json.null() : json.value(problem.line);
  json.key("column");
  problem.column == 0 ? json.null() : json.value(problem.column);
}

void open_problem(Json& json, int status, std::string_view detail) {
  // 422 is younger than Poco's table.
  const std::string title =
      status == 422
          ? "Unprocessable Content"
          : Poco::Net::HTTPResponse::getReasonForStatus(static_cast<Poco::Net::HTTPResponse::HTTPStatus>(status));
  json.open_object().member("type", "about:blank").member("title", title).member("status", status);
  json.member("detail", detail);
}

Reply finish_problem(Json& json, int status) {
  json.close_object();
  return {.status = status, .content_type = "application/problem+json", .body = json.take() + '\n'};
}

}  // namespace

Reply problem_reply(int status, std::string_view detail) {
  Json json;
  open_problem(json, status, detail);
  return finish_problem(json, status);
}

Reply problem_reply(const std::vector<config::Problem>& problems) {
  constexpr int kStatus = 422;
  const auto first = std::ranges::find(problems, false, &config::Problem::warning);
  Json json;
  open_problem(json, kStatus, first == problems.end() ? "the configuration was refused" : first->message);
  if (first != problems.end() && !first->file.empty()) write_place(json, *first);
  json.key("problems");
  write_problems(json, problems);
  return finish_problem(json, kStatus);
}

Reply json_reply(Json& json, int status) { return {.status = status, .body = json.take() + '\n'}; }

void write_problem(Json& json, const config::Problem& problem) {
  json.open_object();
  write_place(json, problem);
  json.member("message", problem.message).member("warning", problem.warning).close_object();
}

void write_problems(Json& json, const std::vector<config::Problem>& problems) {
  json.open_array();
  for (const config::Problem& problem : problems) write_problem(json, problem);
  json.close_array();
}

}  // namespace rpx::control
